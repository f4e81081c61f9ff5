"""How long a value is as JSON, at least: what is too long need not be written first."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

#: The most parts of a value that are looked at.
MOST_PARTS: Final = 2000

_SCALARS: Final = (bool, int, float, type(None))


def least_size(value: Any, most: int) -> int:
    """The characters of a value as JSON, or fewer.

    :param most: it is not looked further when there are more.
    :returns: 0 if it has a part, among those that are looked at, that JSON may not
        have.
    """
    total, left = 0, [value]
    for looked_at in range(MOST_PARTS):
        if not left or total > most:
            break
        part = left.pop()
        kind, more = type(part), MOST_PARTS - looked_at
        if kind is str:
            total += len(part)
        elif kind is dict:
            total += 2 * len(part)  # colons and commas
            left.extend(islice(part.keys(), more))
            left.extend(islice(part.values(), more))
        elif kind is list or kind is tuple:
            total += len(part)  # commas, and a bracket
            left.extend(islice(part, more))
        elif kind not in _SCALARS:
            return 0
    return total
