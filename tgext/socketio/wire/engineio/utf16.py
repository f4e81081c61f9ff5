"""Text as JavaScript counts it: in UTF-16 units.

A character past U+FFFF is two of them, a surrogate pair. JavaScript clients write the
lengths of packets so.
"""

from __future__ import annotations

from ..errors import PayloadError


def take_units(text: str, start: int, count: int) -> tuple[str, int]:
    """A piece of ``text`` that has so many units, and where it ends.

    It takes no longer for a piece than the piece is long.

    :param start: where it begins, in characters.
    :raises PayloadError: when there are not so many, or the last is half a pair.
    """
    piece = text[start : start + count]
    if not piece.isascii() and count_units(piece) != len(piece):
        units = piece.encode("utf-16-le")[: 2 * count]
        try:
            piece = units.decode("utf-16-le")
        except UnicodeDecodeError:
            raise PayloadError("a packet's length cuts a character") from None
        found = len(units) // 2
    else:
        found = len(piece)
    if found < count:
        raise PayloadError("the payload is shorter than its lengths say")
    return piece, start + len(piece)


def count_units(text: str) -> int:
    """The length of ``text`` in JavaScript."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
