"""Checks that each message arrived once and in order, at each client.

In a stretch (see ``observed.py``) a client must receive each message that was published
in its rooms after it had joined them: up to the end, or, if it leaves the room or a
further stretch begins, up to the last one that it received of that process. It must
receive none that was published after it had left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .ledger import Numbers, Published
from .observed import FOREVER, Client, Stay, Stretch

#: The most numbers that one finding names.
NAMED = 8

#: Seconds for which a message may be on its way to the other process: it may reach a
#: client that joined meanwhile.
ON_ITS_WAY = 10.0


def check(clients: dict[int, Client], published: Published) -> list[str]:
    """What is wrong, in sentences; nothing if all is as it must be."""
    return [
        f"client {client.number}: {text}"
        for client in clients.values()
        for text in _faults_of(client, published)
    ]


def _faults_of(client: Client, published: Published) -> Iterator[str]:
    yield from client.mistaken
    if not client.connected:
        yield "it is not connected at the end"
    count = len(client.stretches)
    for number, stretch in enumerate(client.stretches, 1):
        for text in _faults_in(stretch, published, number == count):
            yield f"stretch {number} of {count}, {text}"
    if not any(client.stretches[-1].rooms()):
        yield "it has not entered its rooms"


def _faults_in(stretch: Stretch, published: Published, is_last: bool) -> Iterator[str]:
    for topic, process in stretch.received.keys() | published.keys():
        entries = stretch.received.get((topic, process), [])
        received = [number for number, _ in entries]
        seen = {**stretch.belated.get((topic, process), {}), **dict(entries)}
        numbers = published.get((topic, process), {})
        stays = stretch.stays_in(topic)
        wrong = {
            **_disorder(received, numbers),
            "not for it": _not_for(stays, received, numbers),
            "missing": _missing(stays, seen, numbers, is_last),
        }
        for what, found in wrong.items():
            if found:
                yield f"topic {topic}, process {process}: {what} {_list(found)}"


def _disorder(received: list[int], numbers: Numbers) -> dict[str, list[int]]:
    """Messages that were received when they should not, by what is wrong."""
    doubled, late, unknown = [], [], []
    seen: set[int] = set()
    latest = 0
    # The one after the last: its process was killed while it was published.
    end = max(numbers, default=0) + 1
    for each in received:
        call = numbers.get(each)
        if each in seen:
            doubled.append(each)
        elif call is None and each != end:
            unknown.append(each)
        elif call is not None and call.is_sure:
            if each < latest:
                late.append(each)
            latest = max(latest, each)
        seen.add(each)
    return {"doubled": doubled, "reordered": late, "never published": unknown}


def _not_for(stays: list[Stay], received: list[int], numbers: Numbers) -> list[int]:
    """Messages that were published before the client joined, or after it left."""
    found = []
    for each in received:
        call = numbers.get(each)
        if call is not None and not any(
            call.begin < stay.left and call.end > stay.since - ON_ITS_WAY
            for stay in stays
        ):
            found.append(each)
    return found


def _missing(
    stays: list[Stay], received: dict[int, float], numbers: Numbers, is_last: bool
) -> list[int]:
    """Messages that did not arrive.

    :param received: the numbers that did, and when.
    """
    due: set[int] = set()
    for stay in stays:
        last: float = FOREVER
        if stay.asked < FOREVER or not is_last:
            # Ends earlier: the client may have gone when they were sent. What it has
            # received after it left may have come through another room.
            own = (each for each, time in received.items() if time < stay.left)
            last = max(own, default=0)
        due.update(
            number
            for number, call in numbers.items()
            if call.is_sure and stay.joined < call.begin and number <= last
        )
    return sorted(due - received.keys())


def _list(numbers: Iterable[int]) -> str:
    """Numbers for a person: the first, and how many there are."""
    every = list(numbers)
    shown = ", ".join(map(str, every[:NAMED]))
    more = len(every) - NAMED
    return f"{shown} and {more} more, up to {every[-1]}" if more > 0 else shown
