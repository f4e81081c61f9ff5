"""What the engine knows of the other processes that serve its application."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from .signed import Seal

#: Characters of a token, which session ids begin with: 48 random bits. A token is no
#: secret; it has to differ from that of each other process.
TOKEN: Final = 8
_TOKEN: Final = re.compile(r"[0-9A-Za-z_-]{8}")

#: Characters of the ids of sessions whose process has a token.
_SID: Final = TOKEN + 22


def make_token() -> str:
    """A token for a process that starts."""
    return secrets.token_urlsafe(TOKEN * 3 // 4)


def is_token(text: str) -> bool:
    """Whether a text can be the token of a process."""
    return _TOKEN.fullmatch(text) is not None


def token_of(sid: str) -> str:
    """The token that a session id begins with; empty when it has none."""
    return sid[:TOKEN] if len(sid) == _SID else ""


@dataclass(frozen=True)
class Process:
    """A process that serves the application.

    :ivar token: its token.
    :ivar path: where it takes connections of processes on its machine.
    :ivar address: host and port at which it takes requests of processes on other
        machines; None if it takes none.
    """

    token: str
    path: str
    address: tuple[str, int] | None = None


class Directory(Protocol):
    """The processes that serve the application."""

    @property
    def seal(self) -> Seal | None:
        """Signs requests for other machines; None without a secret."""

    def open(self, own: Process, gone: Callable[[Process], object]) -> None:
        """Tell the others of this process; may wait until they know it.

        :param gone: called with each process that has left.
        """

    def find(self, token: str) -> Process | None:
        """The other process that has a token; None if there is none."""

    def close(self) -> None:
        """This process has ended."""
