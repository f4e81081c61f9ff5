"""Asks all sockets of a room for an ack, and gathers what they answer.

Nothing runs for a client that is asked: its ack is a callback of its connection, as
that of ``emit``. The caller waits, with one timeout for all.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from gevent.event import Event

from ...wire.socketio.packet import Packet
from ..concurrency.fairness import in_turns
from ..hub.account import LimitExceeded
from ..hub.roomkeys import Room
from ..hub.rooms import Rooms
from ..logs import get_logger
from . import acks
from .client import Client

log = get_logger(__name__)


class Answers(NamedTuple):
    """What the sockets that were asked have answered.

    :ivar answers: by the public id of the socket: None, a value, or a tuple of several.
    :ivar missing: the ids of those that did not answer in time, or have gone.
    """

    answers: dict[str, Any]
    missing: list[str]


class Member(Protocol):
    """A namespace, as this module uses it."""

    @property
    def socket(self) -> Client: ...

    @property
    def _tgsio_id(self) -> str: ...


class Answer(acks.Awaited):
    """The callback for the ack of one socket."""

    __slots__ = ("_gathering", "_sid")

    def __init__(self, gathering: Gathering, sid: str) -> None:
        self._gathering = gathering
        self._sid = sid

    def __call__(self, *args: Any) -> None:
        self._gathering.take(self._sid, args[0] if len(args) == 1 else args or None)

    def release(self) -> None:
        """No ack will come: the client has left the namespace."""
        self._gathering.drop(self._sid)


class Gathering:
    """The sockets that were asked, and the answers so far.

    A context: at its end, nothing waits for an ack any more.
    """

    def __init__(self) -> None:
        #: Those that may still answer, with the ids of their packets.
        self._open: dict[str, tuple[Client, int]] = {}
        self._asking = False
        self._done = Event()
        #: All that were asked, in order.
        self.ids: list[str] = []
        self.answers: dict[str, Any] = {}

    def __enter__(self) -> Gathering:
        return self

    def __exit__(self, *exception: object) -> None:
        for sid in list(self._open):
            self._forget(sid)

    def ask(self, rooms: Rooms, packet: Packet, room: Room | None) -> None:
        """Send a packet to each socket of a room in this process, and expect an ack.

        A socket that the packet cannot be written for, such as bytes for a 0.9 client,
        or that has too many acks pending, will not answer.
        """
        endpoint = packet["endpoint"]
        self._asking = True
        try:
            for socket in in_turns(rooms.members(endpoint, room)):
                namespace = getattr(socket, "active_ns", {}).get(endpoint)
                if namespace is not None:
                    self._ask(namespace, packet)
        finally:
            self._asking = False
            self._check()

    def _ask(self, namespace: Member, packet: Packet) -> None:
        socket, sid = namespace.socket, namespace._tgsio_id
        number = socket.acks.next_id()
        self.ids.append(sid)
        self._open[sid] = socket, number
        try:
            acks.save(socket, number, Answer(self, sid), namespace)
            socket.send_packet({**packet, "ack": "data", "id": number})
        except (LimitExceeded, TypeError) as error:
            log.info("A socket was not asked for an ack: %s", error)
            self._forget(sid)

    def take(self, sid: str, answer: Any) -> None:
        """A socket has answered."""
        if self._open.pop(sid, None) is not None:
            self.answers[sid] = answer
            self._check()

    def drop(self, sid: str) -> None:
        """A socket will not answer."""
        self._open.pop(sid, None)
        self._check()

    def wait(self, seconds: float) -> Answers:
        """Wait until each socket has answered or gone, or the time is over."""
        self._done.wait(seconds)
        missing = [each for each in self.ids if each not in self.answers]
        return Answers(self.answers, missing)

    def _forget(self, sid: str) -> None:
        socket, number = self._open.pop(sid)
        socket.acks.pop(number)

    def _check(self) -> None:
        if not (self._open or self._asking):
            self._done.set()
