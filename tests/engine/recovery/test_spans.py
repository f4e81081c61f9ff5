"""When a client was in a room, against a model that notes it for each message."""

from __future__ import annotations

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.strategies import examples
from tgext.socketio.engine.recovery.spans import MOST_ENDED, Spans

ROOMS = ("a", "b", 1, None)
STEPS = st.lists(
    st.tuples(st.sampled_from(["join", "leave", "say"]), st.sampled_from(ROOMS)),
    max_size=40,
)


@settings(max_examples=examples(200))
@given(STEPS)
def test_a_client_hears_what_was_said_while_it_was_there(
    steps: list[tuple[str, str | int | None]],
) -> None:
    spans, inside, number = Spans(0), set(), 0
    heard = []
    for what, room in steps:
        if what == "join":
            spans.begin(room, number)
            inside.add(room)
        elif what == "leave":
            spans.end(room, number)
            inside.discard(room)
        else:
            number += 1
            heard.append((room, number, room in inside))
    assert set(spans.places) == inside
    for room, at, there in heard:
        assert spans.has(room, at) == there
        assert room in spans.after(at - 1) or not there


def test_rooms_that_are_not_kept_are_left() -> None:
    spans = Spans(0)
    for room in ("a", "b"):
        spans.begin(room, 0)
    spans.keep(["a"], 5)
    assert list(spans.places) == ["a"]
    assert spans.has("b", 5)
    assert not spans.has("b", 6)
    assert spans.after(5) == {"a"}


def test_old_spans_are_forgotten_and_that_is_known() -> None:
    spans = Spans(0)
    for number in range(MOST_ENDED + 1):
        spans.begin("a", 2 * number)
        spans.end("a", 2 * number + 1)
    assert spans.since == 1
    assert not spans.has("a", 1)
    assert spans.has("a", 3)


def test_a_span_without_messages_takes_no_memory() -> None:
    spans = Spans(7)
    for _ in range(MOST_ENDED + 1):
        spans.begin("a", 7)
        spans.end("a", 7)
    assert spans.since == 7
    assert spans.after(0) == set()


def test_the_weight_is_what_they_take_in_memory() -> None:
    tracemalloc.start()
    try:
        spans = Spans(0)
        for number in range(5000):
            spans.begin(f"a room with a name {number}", number)
        for number in range(1000, 1000 + MOST_ENDED):
            spans.end(f"a room with a name {number}", 10_000 + number)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < spans.weight < 2 * used
