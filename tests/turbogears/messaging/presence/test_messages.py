"""Presence as processes tell each other of it, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.strategies import SOME, json_values
from tgext.socketio.engine.hub.roomkeys import MOST
from tgext.socketio.messaging.presence.members import Entry
from tgext.socketio.messaging.presence.messages import (
    is_seconds,
    read_batch,
    read_entry,
    read_fields,
    read_whole,
    write_batch,
    write_field,
    write_whole,
)
from tgext.socketio.messaging.presence.replica import Batch, Whole
from tgext.socketio.messaging.sealed import BusMessageError, Seal

LARGE = 16**MOST - 1
numbers = st.integers() | st.sampled_from([2**53, -(2**53), LARGE, -LARGE])
rooms = st.none() | numbers | st.sampled_from(["", "1", "s1", "i1", "lobby", "é"])
entries = st.builds(
    Entry,
    st.tuples(st.sampled_from(["", "/chat"]), rooms),
    st.sampled_from(["ann", "", "é"]),
    st.dictionaries(st.sampled_from("ab"), st.none() | st.text("xyé")),
    st.sampled_from([0.0, 100.5, 110.0]),
    st.floats(-1e12, 1e12),
)
whole_entries = st.dictionaries(st.integers(0, 2**63 - 1), entries, max_size=4)


def as_tuple(entry: Entry | None, shift: float = 0.0) -> Any:
    if entry is None:
        return None
    until = entry.until and entry.until + shift
    return entry.topic, entry.user, entry.info, until, entry.ended


def carried(data: Any) -> Any:
    return json.loads(json.dumps(data))


@SOME
@given(whole_entries, st.sets(st.integers(0, 100)))
def test_batches_arrive_as_they_were(there: dict[int, Entry], gone: set[int]) -> None:
    changes = {**dict.fromkeys(gone), **there}
    data = carried(write_batch(Batch(7, changes), now=100.0))
    number, read = read_batch(data, now=200.0)
    assert number == 7
    assert {key: as_tuple(each) for key, each in read.items()} == {
        key: as_tuple(each, 100.0) for key, each in changes.items()
    }


@SOME
@given(whole_entries)
def test_wholes_arrive_as_they_were(there: dict[int, Entry]) -> None:
    expected = {key: as_tuple(each) for key, each in there.items()}
    number, read = read_whole(carried(write_whole(Whole(7, there), 100.0)), 100.0)
    assert number == 7
    assert {key: as_tuple(each) for key, each in read.items()} == expected
    for seal in (Seal("a channel"), Seal("a channel", "a secret")):
        fields = [
            (str(key), write_field(seal, key, each, 100.0))
            for key, each in there.items()
        ]
        stored = read_fields(seal, fields, 100.0)
        assert {key: as_tuple(each) for key, each in stored.items()} == expected


GOOD: list[Any] = ["/chat", "lobby", "ann", {}, 0, 0]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, None),
        (0, 1),
        (1, True),
        (1, 1.5),
        (1, []),
        (1, {"int": "1x"}),
        (1, {"int": "0x" + "1" * 5000}),
        (1, {"user": "ann"}),
        (1, {"socket": "x"}),
        (1, "x" * 2000),
        pytest.param(1, 10**400 * 16**MOST, id="1-large"),
        (2, None),
        (3, None),
        (3, []),
        (4, None),
        (4, True),
        (4, -1),
        (4, 3601),
        (4, float("nan")),
        (4, float("inf")),
        (5, None),
        (5, True),
        (5, float("nan")),
        pytest.param(5, 10**400, id="5-large"),
    ],
)
def test_an_invalid_entry_is_refused(place: int, value: Any) -> None:
    read_entry(GOOD, 0.0)
    with pytest.raises(BusMessageError):
        read_entry([*GOOD[:place], value, *GOOD[place + 1 :]], 0.0)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"number": -1, "there": {}, "gone": []},
        {"number": 1.0, "there": {}, "gone": []},
        {"number": 2**63, "there": {}, "gone": []},
        {"number": 1, "there": [], "gone": []},
        {"number": 1, "there": {"x": GOOD}, "gone": []},
        {"number": 1, "there": {"-1": GOOD}, "gone": []},
        {"number": 1, "there": {"1": GOOD[:5]}, "gone": []},
        {"number": 1, "there": {}, "gone": {}},
        {"number": 1, "there": {}, "gone": [None]},
        {"number": 1, "there": {}, "gone": [-1]},
    ],
)
def test_an_invalid_batch_is_refused(data: Any) -> None:
    with pytest.raises(BusMessageError):
        read_batch(data, 0.0)


@SOME
@given(json_values)
def test_anything_else_is_refused(data: Any) -> None:
    for read in (read_batch, read_whole, read_entry):
        with pytest.raises(BusMessageError):
            read(data, 0.0)


SEAL = Seal("a channel", "a secret")
FIELD = write_field(SEAL, 1, Entry(("/chat", None), "ann", {}), 0.0)


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("1", ""),
        ("1", "{}"),
        ("2", FIELD),
        ("1", FIELD.replace("ann", "eve")),
        ("1", FIELD.partition(" ")[2]),
        ("1", SEAL.write({"reference": 1, "entry": [1, 2, 3, 4, 5, 6]})),
        ("x", SEAL.write({"reference": "x", "entry": GOOD})),
    ],
)
def test_an_invalid_field_of_redis_is_refused(reference: str, text: str) -> None:
    assert read_fields(SEAL, [("1", FIELD)], 0.0).keys() == {1}
    with pytest.raises(BusMessageError):
        read_fields(SEAL, [(reference, text)], 0.0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, True),
        (0.5, True),
        (3600, True),
        (3601, False),
        (-1, False),
        (True, False),
        (None, False),
        ("10", False),
        (float("nan"), False),
    ],
)
def test_seconds_of_waiting(value: Any, expected: bool) -> None:
    assert is_seconds(value) is expected
