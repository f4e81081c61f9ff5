"""Lengths of text in UTF-16 code units, as JavaScript counts them.

A character above U+FFFF has two of them, a surrogate pair. The lengths of packets that
JavaScript clients write are in these units.
"""

from __future__ import annotations

from ..errors import PayloadError


def take_units(text: str, start: int, count: int) -> tuple[str, int]:
    """The piece of ``text`` that has ``count`` units, and the index of its end.

    The time that it takes depends on the length of the piece, not on that of ``text``.

    :param start: the index of its first character.
    :raises PayloadError: when the text is shorter, or the piece would end within a
        surrogate pair.
    """
    piece = text[start : start + count]
    if not piece.isascii() and count_units(piece) != len(piece):
        units = piece.encode("utf-16-le")[: 2 * count]
        try:
            piece = units.decode("utf-16-le")
        except UnicodeDecodeError:
            raise PayloadError("a packet's length ends inside a character") from None
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
