"""Lua scripts for Redis: each is one atomic operation, in a file of ``lua/``."""

from __future__ import annotations

from hashlib import sha1
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).with_name("lua")

#: What can be an argument of a script. Text is sent as UTF-8.
Argument = str | bytes | int | float


class Script:
    """A script in Lua.

    :ivar text: its code.
    :ivar sha: its name in Redis (https://redis.io/docs/latest/commands/evalsha/).
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = sha1(text.encode()).hexdigest()  # noqa: S324  Redis names it so

    @classmethod
    def of(cls, name: str) -> Script:
        """The script of a file in the folder ``lua``."""
        return cls((_FOLDER / f"{name}.lua").read_text(encoding="utf-8"))


def encoded(arguments: tuple[Argument, ...]) -> list[bytes]:
    """Arguments as Redis gets them, whatever the encoding of a pool is."""
    return [
        each if isinstance(each, bytes) else str(each).encode() for each in arguments
    ]
