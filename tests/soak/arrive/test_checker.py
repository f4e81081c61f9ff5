"""What the checker finds, in runs that never were."""

from __future__ import annotations

from pathlib import Path

import pytest

from .checker import check
from .disturbances import LENGTHS, schedule
from .ledger import Ledger, read_ledgers
from .observed import read_clients

#: It enters r1 at 10, after message 1 was published, and receives 2 to 5.
GOOD = """
c 7 9.0 0 http://127.0.0.1:1
e 7 10.1 10.0 r1
m 7 12.0 r1 a1 2
m 7 13.0 r1 a1 3
d 7 13.5 transport close
c 7 13.8 1 http://127.0.0.1:1
l 7 13.9 1 r1
m 7 14.0 r1 a1 4
m 7 15.0 r1 a1 5
"""

AT_THE_END = "client 7: stretch 1 of 1, topic r1, process a1: "

#: What is changed in it, and what is wrong then.
FAULTS = {
    "nothing": ("", "", []),
    "in the middle": ("m 7 13.0 r1 a1 3\n", "", [f"{AT_THE_END}missing 3"]),
    "at the beginning": ("m 7 12.0 r1 a1 2\n", "", [f"{AT_THE_END}missing 2"]),
    "at the end": ("m 7 15.0 r1 a1 5\n", "", [f"{AT_THE_END}missing 5"]),
    "twice": (
        "m 7 14.0 r1 a1 4\n",
        "m 7 14.0 r1 a1 3\nm 7 14.0 r1 a1 4\n",
        [f"{AT_THE_END}doubled 3"],
    ),
    "too late": (
        "m 7 12.0 r1 a1 2\nm 7 13.0 r1 a1 3\n",
        "m 7 12.0 r1 a1 3\nm 7 13.0 r1 a1 2\n",
        [f"{AT_THE_END}reordered 2"],
    ),
    "unknown": (
        "m 7 15.0 r1 a1 5\n",
        "m 7 15.0 r1 a1 5\nm 7 15.0 r1 a1 8\n",
        [f"{AT_THE_END}never published 8"],
    ),
    "unsure, and published": (
        "m 7 15.0 r1 a1 5\n",
        "m 7 15.0 r1 a1 5\nm 7 15.0 r1 a1 6\n",
        [],
    ),
    "unsure, and twice": (
        "m 7 15.0 r1 a1 5\n",
        "m 7 15.0 r1 a1 5\nm 7 15.0 r1 a1 6\nm 7 15.0 r1 a1 6\n",
        [f"{AT_THE_END}doubled 6"],
    ),
    "of a process that was killed meanwhile": (
        "m 7 15.0 r1 a1 5\n",
        "m 7 15.0 r1 a1 5\nm 7 15.0 r1 a1 7\n",
        [],
    ),
    "of another room": (
        "m 7 15.0 r1 a1 5\n",
        "m 7 15.0 r1 a1 5\nm 7 15.0 r2 a1 1\n",
        ["client 7: stretch 1 of 1, topic r2, process a1: not for it 1"],
    ),
    "a new one, and what it missed before": (
        "c 7 13.8 1 http://127.0.0.1:1\nl 7 13.9 1 r1\nm 7 14.0 r1 a1 4\n",
        "c 7 13.8 0 http://127.0.0.1:1\ne 7 14.6 14.5 r1\n",
        [],
    ),
    "a new one, and what it missed since": (
        "c 7 13.8 1 http://127.0.0.1:1\nl 7 13.9 1 r1\nm 7 14.0 r1 a1 4\n",
        "c 7 13.8 0 http://127.0.0.1:1\ne 7 13.9 13.85 r1\n",
        ["client 7: stretch 2 of 2, topic r1, process a1: missing 4"],
    ),
    "the server takes it for a new one": (
        "l 7 13.9 1 r1\n",
        "l 7 13.9 0\n",
        ["client 7: the server takes it for a new one"],
    ),
    "the server has it in another room": (
        "l 7 13.9 1 r1\n",
        "l 7 13.9 1 r2\n",
        ["client 7: it is in ['r1'], for the server {'r2'}"],
    ),
    "it moved, and its end there was not awaited": (
        "m 7 14.0 r1 a1 4\nm 7 15.0 r1 a1 5\n",
        "a 7 14.9 r1 r3\nm 7 14.95 r1 a1 4\nv 7 15.0 r1 14.99 r3 14.995\n",
        [],
    ),
    "it moved, and had missed something before": (
        "m 7 14.0 r1 a1 4\nm 7 15.0 r1 a1 5\n",
        "m 7 15.0 r1 a1 5\na 7 16.0 r1 r3\nv 7 16.1 r1 16.0 r3 16.0\n",
        [f"{AT_THE_END}missing 4"],
    ),
    "it moved, and got what came later": (
        "m 7 15.0 r1 a1 5\n",
        "a 7 14.4 r1 r3\nv 7 14.6 r1 14.5 r3 14.5\nm 7 15.0 r1 a1 5\n",
        [f"{AT_THE_END}not for it 5"],
    ),
    "it came with the end of the connection, and again": (
        "c 7 13.8 1 http://127.0.0.1:1\n",
        "m 7 13.8 r1 a1 4\nc 7 13.8 1 http://127.0.0.1:1\n",
        [],
    ),
    "it came with the end of the connection alone": (
        "d 7 13.5 transport close\nc 7 13.8 1 http://127.0.0.1:1\nl 7 13.9 1 r1\n"
        "m 7 14.0 r1 a1 4\n",
        "d 7 13.5 transport close\nm 7 14.0 r1 a1 4\nc 7 14.1 1 http://127.0.0.1:1\n",
        [],
    ),
    "it may have moved": (
        "m 7 15.0 r1 a1 5\n",
        "m 7 15.0 r1 a1 5\na 7 15.1 r1 r2\nm 7 15.2 r2 a1 1\n",
        [],
    ),
    "it was lost while it entered": (
        "e 7 10.1 10.0 r1\nm 7 12.0 r1 a1 2\nm 7 13.0 r1 a1 3\n",
        "b 7 10.0 r1\nm 7 13.0 r1 a1 3\nd 7 13.1 transport close\n"
        "c 7 13.2 0 http://127.0.0.1:1\ne 7 13.4 13.3 r1\n",
        [],
    ),
    "it is not back": (
        "m 7 15.0 r1 a1 5\n",
        "m 7 15.0 r1 a1 5\nd 7 15.5 transport close\n",
        ["client 7: it is not connected at the end"],
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_found(name: str, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "a1")
    for number, begin in enumerate([9.5, 12.0, 13.0, 14.0, 15.0], 1):
        ledger.write("r1", number, begin, begin + 0.001, "ok")
    ledger.write("r1", 6, 15.5, 15.6, "OSError")
    ledger.write("r2", 1, 13.5, 13.6, "ok")
    before, after, expected = FAULTS[name]
    assert before in GOOD
    log = tmp_path / "clients.log"
    log.write_text(GOOD.replace(before, after).strip() if before else GOOD.strip())
    assert check(read_clients([log]), read_ledgers(tmp_path)) == expected


def test_a_seed_repeats_a_schedule() -> None:
    everything = list(LENGTHS)
    first = schedule("1", 60.0, 2, everything)
    assert schedule("1", 60.0, 2, everything) == first
    assert schedule("2", 60.0, 2, everything) != first
    whats = sorted((each.what, each.which) for each in first)
    cases = [(what, which) for what in ("apart", "kill") for which in (0, 1)]
    assert whats == [*cases, ("pause", 0), ("redis", 0)]
    assert [each.at for each in first] == sorted(each.at for each in first)
