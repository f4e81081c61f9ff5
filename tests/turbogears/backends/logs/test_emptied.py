"""Topics without entries: their last numbers, in a table that does not grow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.wire.strategies import MANY
from tgext.socketio.backends.logs.emptied import Emptied

#: Topics that a table with one bucket knows at a time.
KNOWN = 8


def test_a_topic_that_never_had_an_entry() -> None:
    emptied = Emptied()
    assert emptied.last("news") == 0
    emptied.note("sports", 7)
    assert emptied.last("news") == 0
    assert emptied.last("sports") == 7


def test_a_topic_may_be_emptied_again() -> None:
    emptied = Emptied()
    for number in (3, 9, 9):
        emptied.note("news", number)
        assert emptied.last("news") == number


def test_topics_of_the_lowest_numbers_are_replaced() -> None:
    emptied = Emptied(buckets=1)
    for number in range(1, KNOWN + 3):
        emptied.note(f"topic {number}", number)
    assert emptied.last("topic 3") == 3
    assert emptied.last("topic 1") == emptied.last("never") == 2


def test_tens_of_thousands_of_topics_leave_others_alone() -> None:
    emptied = Emptied()
    for number in range(24_000):
        emptied.note(f"room {number}", number + 1)
    quiet = [emptied.last(f"quiet {number}") for number in range(1000)]
    assert sum(last == 0 for last in quiet) > 900
    kept = [emptied.last(f"room {number}") == number + 1 for number in range(24_000)]
    assert sum(kept) > 23_000


def test_a_topic_that_was_replaced_keeps_its_number() -> None:
    emptied = Emptied(buckets=1)
    for number in range(1, KNOWN + 3):
        emptied.note(f"topic {number}", number)
    emptied.note("topic 2", 1)
    assert emptied.last("topic 2") == 2


@MANY
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 1000))), st.integers(1, 3))
def test_no_number_is_too_low(notes: list[tuple[int, int]], buckets: int) -> None:
    emptied, model = Emptied(buckets), dict.fromkeys(range(22), 0)
    for topic, number in notes:
        emptied.note(str(topic), number)
        model[topic] = max(model[topic], number)
    for topic, number in model.items():
        last = emptied.last(str(topic))
        assert last == number or number < last <= max(model.values())
    if sum(map(bool, model.values())) <= KNOWN:
        assert all(emptied.last(str(topic)) == last for topic, last in model.items())
