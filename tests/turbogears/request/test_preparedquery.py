"""Queries for a user whose statements are made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Column, Integer, String, UniqueConstraint, func, true
from sqlalchemy.orm import (
    Query,
    Session,
    column_property,
    declarative_base,
    sessionmaker,
    synonym,
)
from sqlalchemy.orm.properties import ColumnProperty
from sqlalchemy.types import TypeDecorator

from tgext.socketio.request.preparedquery import Statements, write_down

Base: Any = declarative_base()


class Lower(ColumnProperty.Comparator):
    def __eq__(self, other: Any) -> Any:
        return func.lower(self.__clause_element__()) == other.lower()


class Padded(TypeDecorator):
    """A type that changes what is compared with it."""

    impl = String
    cache_ok = True

    class comparator_factory(String.Comparator):
        def __eq__(self, other: Any) -> Any:
            return super().__eq__(other if other is None else f"{other}.")


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String(16), unique=True)
    town = Column(String(16))
    site = Column(Integer)
    number = Column(Integer)
    mail = column_property(Column(String(16)), comparator_factory=Lower)
    code = Column(Padded(16))
    alias = synonym("name")
    __table_args__ = (UniqueConstraint("site", "number"),)


@pytest.fixture
def session() -> Iterator[Session]:
    engine = sqlalchemy.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with sessionmaker(engine)() as made:
        for number, name in enumerate(("ada", "bob")):
            user = User(name=name, town="Oslo", site=1, number=number)
            user.mail, user.code = f"{name}@x", f"{name}."
            made.add(user)
        made.commit()
        yield made


class Kept:
    """Statements that are used for each query.

    :ivar made: the mappers that statements were made for.
    :ivar sent: what the database was asked.
    """

    def __init__(self, session: Session) -> None:
        self.statements = Statements(self._options)
        self.made: list[Any] = []
        self.sent: list[str] = []
        self._session = session
        sqlalchemy.event.listen(session.bind, "before_cursor_execute", self._note)

    def _note(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        self.sent.append(statement)

    def __call__(self, ask: Callable[[Any], Any]) -> Any:
        end = write_down(self._session, lambda: self.statements)
        try:
            return ask(self._session.query)
        finally:
            end()

    def _options(self, mapper: Any) -> list[Any]:
        self.made.append(mapper)
        return []


@pytest.fixture
def kept(session: Session) -> Kept:
    return Kept(session)


def test_a_statement_is_made_once_and_run_for_each_query(
    session: Session, kept: Kept
) -> None:
    for name in ("ada", "bob", "ada"):
        user = kept(lambda query, name=name: query(User).filter_by(name=name).first())
        assert user.name == name
        assert user in session
    assert kept(lambda query: query(User).filter_by(name="eve").first()) is None
    assert len(kept.sent) == 4
    assert len(kept.made) == 1


def test_what_has_changed_in_the_database_is_read(session: Session, kept: Kept) -> None:
    assert kept(lambda query: query(User).filter_by(name="ada").first()).town == "Oslo"
    session.rollback()
    with session.bind.begin() as other:  # type: ignore[union-attr]
        other.execute(sqlalchemy.text("update users set town = 'Bergen'"))
    user = kept(lambda query: query(User).filter_by(name="ada").first())
    assert user.town == "Bergen"
    assert len(kept.made) == 1


@pytest.mark.parametrize(
    ("values", "limited"),
    [
        ({"name": "ada"}, False),
        ({"id": 1}, False),
        ({"name": "ada", "town": "Oslo"}, False),
        ({"site": 1, "number": 0}, False),
        ({"town": "Oslo"}, True),
        ({"site": 1}, True),
    ],
)
def test_a_limit_is_needed_where_several_rows_may_match(
    kept: Kept, values: dict[str, Any], limited: bool
) -> None:
    user = kept(lambda query: query(User).filter_by(**values).first())
    assert user.name == "ada"
    assert ("LIMIT" in kept.sent[-1]) is limited
    assert len(kept.made) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"name": None},
        {"name": true()},
        {"alias": "ada"},
        {"mail": "ADA@X"},
        {"code": "ada"},
        {},
    ],
)
def test_other_filters_are_left_to_sqlalchemy(
    session: Session, kept: Kept, values: dict[str, Any]
) -> None:
    expected = session.query(User).filter_by(**values).first()
    assert kept(lambda query: query(User).filter_by(**values).first()) is expected
    assert kept.sent[0] == kept.sent[1]
    assert len(kept.made) == 0


QUERIES: list[Callable[[Any], Any]] = [
    lambda query: query(User).filter_by(name="ada").one(),
    lambda query: query(User).filter_by(town="Oslo").filter_by(name="ada").first(),
    lambda query: query(User).filter(User.name == "ada").first(),
    lambda query: query(User).order_by(User.name).first(),
    lambda query: query(User, User.name).filter_by(name="ada").first()[0],
    lambda query: next(iter(query(User).filter_by(name="ada"))),
    lambda query: query(User).filter_by(name="ada")[0],
    lambda query: query(sqlalchemy.inspect(User)).filter_by(name="ada").first(),
    lambda query: query(User).first(),
]


@pytest.mark.parametrize("ask", QUERIES)
def test_other_queries_are_made(
    session: Session, kept: Kept, ask: Callable[[Any], Any]
) -> None:
    assert kept(ask) is ask(session.query)
    assert kept.sent[0] == kept.sent[1]
    assert len(kept.made) == 0


def test_it_is_a_query_for_who_asks(session: Session, kept: Kept) -> None:
    def ask(query: Any) -> Any:
        return query(User).filter_by(name="ada")

    found = kept(ask)
    assert isinstance(found, Query)
    assert str(found) == str(ask(session.query))
    assert type(ask(session.query)) is Query


def test_queries_that_the_application_changes_are_made(kept: Kept) -> None:
    def change(query: Any) -> Any:
        return query.enable_assertions(False).filter(User.name != "ada")

    sqlalchemy.event.listen(Query, "before_compile", change, retval=True)
    try:
        found = kept(lambda query: query(User).filter_by(name="ada").first())
    finally:
        sqlalchemy.event.remove(Query, "before_compile", change)
    assert found is None
    assert len(kept.made) == 0


def test_a_query_class_of_the_application_is_used(session: Session) -> None:
    class Own(Query):
        pass

    with Session(session.bind, query_cls=Own) as other:
        assert type(Kept(other)(lambda query: query(User))) is Own
        assert type(other.query(User)) is Own
