"""Text as JavaScript counts it: in UTF-16 units.

A character past U+FFFF is two of them, a surrogate pair. Here each half is a character
of a ``str``, so that the lengths that JavaScript clients write are positions in it.
"""

from __future__ import annotations

import re

from .errors import PayloadError

_PAST_16_BITS = re.compile("[\U00010000-\U0010ffff]")
_HALF = re.compile("[\ud800-\udfff]")


def split_pairs(text: str) -> str:
    """``text``, a character for each unit."""
    return text if text.isascii() else _PAST_16_BITS.sub(_halves, text)


def _halves(match: re.Match[str]) -> str:
    offset = ord(match[0]) - 0x10000
    return chr(0xD800 | offset >> 10) + chr(0xDC00 | offset & 0x3FF)


def join_pairs(units: str) -> str:
    """The text of which :func:`split_pairs` made ``units``.

    :raises PayloadError: when it has half a pair.
    """
    if units.isascii() or _HALF.search(units) is None:
        return units
    try:
        return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise PayloadError("a packet's length cuts a character") from None


def count_units(text: str) -> int:
    """The length of ``text`` in JavaScript."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
