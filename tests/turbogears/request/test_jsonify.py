"""Events carry what ``@expose('json')`` can write."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from typing import Any

import pytest

from tgext.socketio.engine.virtsocket import Socket
from tgext.socketio.request.jsonify import dumps


class HasJSON:
    def __json__(self) -> dict[str, str]:
        return {"made": "by __json__"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, "ä"]}, '{"a":[1,"ä"]}'),
        (datetime.date(2026, 2, 3), '"2026-02-03"'),
        (Decimal("1.5"), "1.5"),
        (HasJSON(), '{"made":"by __json__"}'),
    ],
)
def test_emit_writes_what_a_json_page_writes(value: Any, text: str) -> None:
    assert json.loads(dumps(value)) == json.loads(text)


def test_what_json_cannot_write_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        dumps(Socket)


def base() -> Any:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    orm = pytest.importorskip("sqlalchemy.orm")
    made = orm.declarative_base()
    made.text, made.key = sqlalchemy.Unicode, sqlalchemy.Integer
    made.column, made.session = sqlalchemy.Column, orm.Session
    return made


def written(member: Any, session: Any) -> Any:
    session.add(member)  # TurboGears asks for that
    return json.loads(dumps({"member": [member]}))["member"][0]


def test_columns_that_an_application_hides_are_left_out_and_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    Base = base()

    class Member(Base):
        __tablename__ = "members"
        id = Base.column(Base.key, primary_key=True)
        name = Base.column(Base.text)
        _password = Base.column(Base.text)
        oldPassword = Base.column(Base.text)

    made = Member(id=1, name="ann", _password="hash", oldPassword="hash")
    with Base.session() as session:
        for _ in range(2):
            assert written(made, session) == {"id": 1, "name": "ann"}
    [line] = caplog.messages
    assert "Member has columns that are not sent to clients: " in line
    assert "_password" in line
    assert "oldPassword" in line
    assert "give the class a __json__ method" in line


def test_what_an_application_says_itself_is_written(
    caplog: pytest.LogCaptureFixture,
) -> None:
    Base = base()

    class Member(Base):
        __tablename__ = "members"
        id = Base.column(Base.key, primary_key=True)
        _password = Base.column(Base.text)

        def __json__(self) -> dict[str, Any]:
            return {"id": self.id, "_password": "***"}

    with Base.session() as session:
        said = {"id": 1, "_password": "***"}
        assert written(Member(id=1, _password="hash"), session) == said
    assert caplog.messages == []
    # What is not an object of a database is not concerned.
    assert json.loads(dumps({"_id": 1, "password": "x"})) == {"_id": 1, "password": "x"}
