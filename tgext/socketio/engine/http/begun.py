"""What is known of a connection that somebody else has begun to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Begun:
    """How far the reading of a connection is.

    :ivar data: the bytes that were read.
    :ivar scheme: ``http`` or ``https``, if another process has accepted it; else "".
    :ivar alone: whether it has one request only.
    :ivar handed: whether another process has read the request, and handed it over.
    """

    data: bytes = b""
    scheme: str = ""
    alone: bool = False
    handed: bool = False


#: Nothing has been read.
FRESH: Final = Begun()
