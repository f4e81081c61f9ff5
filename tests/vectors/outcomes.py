"""The kinds of input in the table, and the kinds of outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

#: The generations of clients; the new ones are on Engine.IO.
OLD, EIO3, EIO4 = "0.9", "EIO3", "EIO4"
ALL = (OLD, EIO3, EIO4)
NEW = (EIO3, EIO4)


# What is sent


@dataclass(frozen=True, init=False)
class Messages:
    """Messages of a client in ``/chat``, on any transport."""

    messages: tuple[str | bytes, ...]

    def __init__(self, *messages: str | bytes) -> None:
        object.__setattr__(self, "messages", messages)


@dataclass(frozen=True)
class Body:
    """The body of a POST of a client that is in ``/chat``."""

    data: bytes
    content_type: str = "text/plain;charset=UTF-8"


@dataclass(frozen=True)
class Frames:
    """What a client that is in ``/chat`` writes to its WebSocket."""

    data: bytes


@dataclass(frozen=True)
class Request:
    """An HTTP request, beside a client that is in ``/chat``.

    :param target: ``{sid}`` stands for the client's session id.
    :param upgrade: whether it asks for a WebSocket.
    :param polling: whether a poll of the client waits already.
    """

    method: str
    target: str
    upgrade: bool = False
    polling: bool = False
    body: bytes = b""


@dataclass(frozen=True)
class Probe:
    """Messages on a WebSocket that is to take over from a client that polls."""

    messages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Silence:
    """A handshake without any further request."""


@dataclass(frozen=True)
class Raw:
    """The first bytes of a TCP connection, and the bytes that are then repeated."""

    data: bytes
    trickle: bytes = b""


Sent = Messages | Body | Frames | Request | Probe | Silence | Raw


# Outcomes


@dataclass(frozen=True, init=False)
class Answered:
    """The client is sent these packets, and its connection goes on."""

    packets: tuple[Mapping[str, Any], ...]

    def __init__(self, *packets: Mapping[str, Any]) -> None:
        object.__setattr__(self, "packets", packets)


@dataclass(frozen=True)
class Ended:
    """The connection ends.

    :param reason: what its namespaces find as the reason.
    :param code: of the WebSocket's close frame.
    """

    reason: str
    code: int = 1000


@dataclass(frozen=True)
class Refused:
    """The HTTP answer to a request.

    :param body: text, or the value of JSON; None where there is nothing to tell.
    :param ended: the reason for which the session ends, if it does.
    """

    status: int
    body: Any = None
    ended: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dropped:
    """The TCP connection ends without an answer; the session, if any, goes on."""


Outcome = Answered | Ended | Refused | Dropped


class Nothing:
    """The decoders do not see this input: the connection handles it."""


class Beginning(str):
    """Equal to each one-line text that begins with this."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and len(other) < 200 and other.startswith(self)

    __hash__ = str.__hash__


class Vector(NamedTuple):
    """Bad input, and its outcome.

    :param generations: those whose clients can send it.
    :param wire: what the decoders make of it: a value, or the error that they raise.
    :param live: what a server does about it.
    :param reason: what the error says, where somebody is told.
    :param transports: those on which it can be sent.
    :param options: of the server.
    """

    name: str
    generations: tuple[str, ...]
    sent: Sent
    wire: Any
    live: Outcome
    reason: str | None = None
    transports: tuple[str, ...] = ("websocket", "polling")
    options: Mapping[str, Any] = {}


PARSE_ERROR = Ended("parse error", 1002)
IGNORED = Answered()


def error(name: str, info: Any, endpoint: str = "/chat") -> dict[str, Any]:
    """The event that tells a client of an error."""
    args = [name, info]
    return {"type": "event", "endpoint": endpoint, "name": "error", "args": args}


def engine_error(code: int, message: str) -> dict[str, Any]:
    """The body of Engine.IO's refusals."""
    return {"code": code, "message": message}
