"""How many workers there are."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tgext.socketio.workers.cores import MOST, cores, read_workers

needs_affinity = pytest.mark.skipif(
    sys.platform != "linux", reason="no affinity of processes"
)


@pytest.mark.parametrize(
    ("value", "workers"), [(None, 1), ("1", 1), (" 4 ", 4), (3, 3), (str(MOST), MOST)]
)
def test_a_number_is_meant(value: Any, workers: int) -> None:
    assert read_workers(value) == workers


@pytest.mark.parametrize("value", ["auto", " AUTO"])
def test_auto_is_one_for_each_core(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{read_workers.__module__}.cores", lambda: 7)
    assert read_workers(value) == 7


@pytest.mark.parametrize(
    "value", ["0", "-1", "", "two", "1.5", 2.0, True, str(MOST + 1), [2], "9" * 5000]
)
def test_another_value_is_invalid(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        read_workers(value)


def machine(
    root: Path, own: str | None, quotas: dict[str, str], number: int, monkeypatch: Any
) -> int:
    """The cores of a process in a control group, on a machine with a number of them."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(number)))
    if own is not None:
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/self/cgroup").write_text(own)
    for path, text in quotas.items():
        group = root / "sys/fs/cgroup" / path
        group.mkdir(parents=True, exist_ok=True)
        (group / "cpu.max").write_text(text)
    return cores(root)


@needs_affinity
@pytest.mark.parametrize(
    ("own", "quotas", "expected"),
    [
        pytest.param(None, {}, 8, id="no control groups"),
        pytest.param("0::/\n", {}, 8, id="no limit"),
        pytest.param("0::/\n", {"": "max 100000\n"}, 8, id="max"),
        pytest.param("0::/\n", {"": "200000 100000\n"}, 2, id="in a container"),
        pytest.param("0::/\n", {"": "150000 100000\n"}, 2, id="one and a half"),
        pytest.param("0::/\n", {"": "1000 100000\n"}, 1, id="hardly anything"),
        pytest.param(
            "0::/a/b\n", {"a": "300000 100000", "a/b": "max 100000"}, 3, id="above"
        ),
        pytest.param(
            "0::/a/b\n", {"a": "300000 100000", "a/b": "100000 100000"}, 1, id="own"
        ),
        pytest.param("0::/a\n", {"b": "100000 100000"}, 8, id="another's"),
        pytest.param("4:cpu:/a\n", {"a": "100000 100000"}, 8, id="version 1"),
        pytest.param("0::/\n", {"": "nonsense"}, 8, id="nonsense"),
        pytest.param("0::/\n", {"": "1 0"}, 8, id="no period"),
    ],
)
def test_the_cores_that_a_process_may_use(
    tmp_path: Path,
    own: str | None,
    quotas: dict[str, str],
    expected: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert machine(tmp_path, own, quotas, 8, monkeypatch) == expected


def test_there_is_at_least_one() -> None:
    assert cores() >= 1
