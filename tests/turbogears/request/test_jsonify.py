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
