"""Escaping of text from outside, for log lines."""

from __future__ import annotations

#: Characters of a value that a log line shows.
SHOWN = 80


class Escaped(str):
    """The result of :func:`escape`; ``%r`` adds quotes and changes no more."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{self}'"


def escape(value: object, limit: int = SHOWN) -> Escaped:
    """A value as text for a log line: on one line, printable, and short.

    Clients choose the names that are logged. Unescaped, a line feed in a name would
    forge a log line, and an escape sequence would control the operator's terminal.

    :param value: text, bytes (read as Latin-1), or anything that ``str`` takes.
    :param limit: characters of the value that are shown; ``...`` follows the last of
        a longer one.
    :returns: the value with each character that is not printable as ``\\n``, ``\\x1b``,
        ``\\u202e`` and so on, and each backslash doubled. What was escaped before is
        not escaped again.
    """
    if isinstance(value, Escaped):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = bytes(value[: limit + 1]).decode("latin-1")
    text = value if isinstance(value, str) else _spell(value)
    shown = text[:limit]
    if not shown.isprintable() or "\\" in shown:
        shown = "".join(map(_escape_one, shown))
    return Escaped(shown if len(text) <= limit else f"{shown}...")


def _spell(value: object) -> str:
    try:
        return str(value)
    except BaseException:  # a failing `__str__` must not stop the log line
        return f"<{type(value).__name__} without a text>"


def _escape_one(character: str) -> str:
    if character.isprintable() and character != "\\":
        return character
    return character.encode("unicode_escape").decode("ascii")
