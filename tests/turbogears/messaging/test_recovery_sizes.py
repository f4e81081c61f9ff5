"""How long values are as JSON, at least."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.strategies import examples
from tgext.socketio.messaging.recovery.sizes import MOST_PARTS, least_size
from tgext.socketio.wire import json

scalars = st.none() | st.booleans() | st.integers() | st.text() | st.floats()
values = st.recursive(
    scalars,
    lambda inside: (
        st.lists(inside)
        | st.dictionaries(st.text(), inside)
        | st.tuples(inside, inside)
    ),
    max_leaves=10,
)

MOST = 10_000


@given(values)
@settings(max_examples=examples(30))
def test_it_is_never_longer_than_the_text(value: Any) -> None:
    assert least_size(value, MOST) <= len(json.dumps(value))


LARGE = {
    "a text": "x" * MOST,
    "a list": [1] * MOST,
    "texts": ["x" * 100] * 100,
    "objects": [{"n": each} for each in range(MOST)],
    "a dict": {str(each): each for each in range(MOST)},
    "inside": {"rows": [[{"text": "x" * MOST}]]},
}


@pytest.mark.parametrize("value", LARGE.values(), ids=LARGE)
def test_what_is_large(value: Any) -> None:
    assert least_size(value, MOST) > MOST // 2


STRANGE = [{1, 2}, b"x" * MOST, object(), ["x" * MOST, {1}], {"a": object()}]


@pytest.mark.parametrize("value", STRANGE, ids=str)
def test_what_json_may_not_have_is_not_counted(value: Any) -> None:
    assert least_size(value, 2 * MOST) == 0


def test_a_value_that_contains_itself() -> None:
    value: list[Any] = ["x"]
    value.append(value)
    assert least_size(value, MOST) <= 3 * MOST_PARTS
