"""How many workers there are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any, Final

__all__ = ["AUTO", "MOST", "cores", "read_workers"]

AUTO: Final = "auto"

#: A worker takes tens of megabytes.
MOST: Final = 512


def read_workers(value: Any) -> int:
    """The number of workers that the option asks for.

    :param value: a number from 1 on, as text or not; ``auto`` for :func:`cores`; None
        for one.
    :raises ValueError: when it is neither.
    """
    if value is None:
        return 1
    if isinstance(value, str) and value.strip().lower() == AUTO:
        return cores()
    number = int(value)
    if not 0 < number <= MOST or isinstance(value, (bool, float)):
        raise ValueError(value)
    return number


def cores(root: Path = Path("/")) -> int:
    """The number of cores that this process may use (taskset, containers).

    :param root: of the file system.
    """
    try:
        number = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        number = os.cpu_count() or 1
    return max(1, min([number, *_quotas(root)]))


def _quotas(root: Path) -> Iterator[int]:
    """The limits of the control groups of this process, in cores (cgroups(7), 2).

    ``cpu.max`` has two numbers: microseconds of the processors in each period, or
    ``max``, and the period.
    """
    top = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
        own = next(each[3:] for each in lines if each.startswith("0::"))
    except (OSError, StopIteration):
        return
    group = top / own.strip("/")
    for each in (group, *group.parents):
        try:
            quota, period = (each / "cpu.max").read_text().split()
            yield ceil(int(quota) / int(period))
        except (OSError, ValueError, ZeroDivisionError):
            pass
        if each == top:
            return
