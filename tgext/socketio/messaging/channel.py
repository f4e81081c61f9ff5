"""One channel in this process: its listeners, and what they are sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ..backends.logs.entries import read_logged
from ..backends.together import Together
from ..engine.concurrency.failures import ERRORS
from ..engine.hub.rooms import deliver
from ..engine.logs import get_logger
from ..engine.namespaces.client import Client
from ..wire.errors import InvalidJSON
from ..wire.escape import escape
from ..wire.socketio.packet import Packet, event_packet
from .log import Entry, Keep, Log, Position, Replay
from .messages import read
from .throttle import ThrottledWarnings

log = get_logger(__name__)

#: The event that brings a message to the browser, in the original's spelling.
EVENT: Final = "pubblication"

#: Messages that wait while a client is sent earlier ones. With more, nobody waits for
#: the client to read: a slow one is disconnected.
MOST_HELD: Final = 1000

#: An endpoint, and whether its events carry the name of the channel, and the position.
#: Listeners of one audience get the same packet.
Audience = tuple[str, bool, bool]

#: Reads what a listener is sent before what is new.
Reader = Callable[[Log], Replay]


class Listener(NamedTuple):
    """A client that listens to a channel, in one of its namespaces.

    :param endpoint: the name of the namespace.
    :param named: whether its events carry the channel as second argument.
    :param owner: the namespace object. If the client leaves a namespace and connects to
        it again, there are two objects. Subscriptions of the second one stay when the
        first one unsubscribes.
    :param positioned: whether its events carry the position as last argument.
    :param keep: the history that its namespace asks for; None for none.
    """

    socket: Client
    endpoint: str
    named: bool
    owner: object = None
    positioned: bool = False
    keep: Keep | None = None

    @property
    def audience(self) -> Audience:
        """The audience that it belongs to."""
        return self.endpoint, self.named, self.positioned


class Told(NamedTuple):
    """A message, and its position if it is in the log."""

    message: Any
    position: Position | None


class Channel:
    """One channel, and its listeners in this process.

    :ivar open: whether the backend delivers its messages to this process.
    :ivar keep: the history that is kept of it; None for none.
    """

    def __init__(self, name: str, warnings: ThrottledWarnings) -> None:
        self.name = name
        self._warnings = warnings
        #: Maps each audience to its sockets, and each socket to the listener's owner.
        self.audiences: dict[Audience, dict[Client, object]] = {}
        #: The call that subscribes at the backend; new listeners wait for it together.
        self.asking = Together()
        self.open = False
        self.keep: Keep | None = None
        #: The log, once it gives this channel its messages; until then the feed does.
        self.log: Log | None = None
        #: Called when a message was published without its history.
        self.unlogged: Callable[[], object] | None = None
        #: What waits for listeners that are sent earlier messages.
        self._held: dict[tuple[Client, Audience], deque[Told]] = {}
        #: What listeners were sent already, and what is still on its way here.
        self._sent: dict[tuple[Client, Audience], Position] = {}
        #: The position of the last message that had one.
        self._last: Position | None = None

    def add(self, listener: Listener) -> None:
        """Add a listener; a second time has no effect."""
        self.audiences.setdefault(listener.audience, {})[listener.socket] = (
            listener.owner
        )

    def discard(self, listener: Listener) -> None:
        """Remove a listener, if its owner is the one that was added."""
        sockets = self.audiences.get(listener.audience, {})
        if sockets.get(listener.socket) is listener.owner:
            sockets.pop(listener.socket, None)
            self._sent.pop((listener.socket, listener.audience), None)
        if not sockets:
            self.audiences.pop(listener.audience, None)

    def _has(self, listener: Listener) -> bool:
        sockets = self.audiences.get(listener.audience, {})
        known = listener.socket in sockets
        return known and sockets[listener.socket] is listener.owner

    # What arrives

    def hear(self, data: Any) -> None:
        """Take a message of the backend."""
        logged = read_logged(data)
        if logged is None:
            if self.unlogged is not None:
                self.unlogged()
            self._take(data, None)
        elif self.log is None:
            position, message = logged
            self._take(message, position)

    def hear_entry(self, entry: Entry) -> None:
        """Take an entry of the log."""
        if self.log is not None:
            self._take(entry.message, Position(self.log.epoch, entry.number))

    def _take(self, data: Any, position: Position | None) -> None:
        """Send a message to all listeners."""
        if position is not None:
            last, self._last = self._last, position
            if last and last.epoch == position.epoch and last >= position:
                # The log has read again what the feed had delivered.
                self._last = last
                return
        message = self.read(data)
        if message is None:
            return
        told = Told(message[0], position)
        for audience, sockets in list(self.audiences.items()):
            receivers = list(sockets)
            if self._held or self._sent:
                receivers = [
                    each
                    for each in receivers
                    if not self._is_sent(each, audience, position)
                    and not self._hold(each, audience, told)
                ]
            try:
                _deliver(receivers, self._packet(audience, told))
            except ERRORS:
                log.exception(
                    "A message of channel '%s' was not sent", escape(self.name)
                )

    def read(self, data: Any) -> tuple[Any] | None:
        """The message that data of a broker is; None if it is invalid."""
        try:
            return (read(data),)
        except InvalidJSON as error:
            shown = data if isinstance(data, (str, bytes)) else type(data).__name__
            self._warnings.warn(
                "invalid",
                f"Skipped a message of channel '{escape(self.name)}': "
                f"{escape(error.reason)}: {escape(shown)}",
            )
            return None

    def _packet(self, audience: Audience, told: Told) -> Packet:
        endpoint, named, positioned = audience
        args = [told.message]
        if named:
            args.append(self.name)
        if positioned:
            args.append(None if told.position is None else str(told.position))
        return event_packet(endpoint, EVENT, tuple(args))

    # Earlier messages

    def hold(self, listener: Listener) -> None:
        """Keep what is new for a listener until it was sent what is earlier."""
        self._held.setdefault((listener.socket, listener.audience), deque())

    def let_go(self, listener: Listener) -> None:
        """Send a listener what was kept for it, and keep nothing more."""
        while held := self._held.get((listener.socket, listener.audience)):
            self._send(listener, held.popleft(), len(held) < MOST_HELD)
        self.release(listener)

    def release(self, listener: Listener) -> None:
        """Keep nothing for a listener."""
        self._held.pop((listener.socket, listener.audience), None)

    def _is_sent(
        self, socket: Client, audience: Audience, position: Position | None
    ) -> bool:
        sent = self._sent.get((socket, audience))
        if sent is None or position is None:
            return False
        if sent.epoch == position.epoch and position <= sent:
            return True
        del self._sent[socket, audience]
        return False

    def _hold(self, socket: Client, audience: Audience, told: Told) -> bool:
        held = self._held.get((socket, audience))
        if held is None:
            return False
        held.append(told)
        return True

    def send_earlier(self, listener: Listener, replay: Replay) -> None:
        """Send a listener what was read for it, and keep only what is newer."""
        epoch, _ = replay.position
        key = listener.socket, listener.audience
        for entry in replay.entries:
            message = self.read(entry.message)
            if message is not None:
                told = Told(message[0], Position(epoch, entry.number))
                self._send(listener, told, len(self._held.get(key, ())) < MOST_HELD)
        if not replay.entries or not self._has(listener):
            return
        # The last may have been read before it arrived here.
        sent = self._sent[key] = Position(epoch, replay.entries[-1].number)
        self._held[key] = deque(
            told
            for told in self._held.get(key, ())
            if not self._is_sent(*key, told.position)
        )
        if self._last and self._last.epoch == epoch and self._last >= sent:
            self._sent.pop(key, None)

    def _send(self, listener: Listener, told: Told, may_wait: bool) -> None:
        if not self._has(listener):
            return
        packet = self._packet(listener.audience, told)
        try:
            if may_wait:
                listener.socket.send_packet(packet)
            else:
                _deliver([listener.socket], packet)
        except TypeError as error:
            # Bytes, which 0.9 clients cannot receive.
            log.debug("A message of '%s' was not sent: %s", escape(self.name), error)


def _deliver(sockets: list[Client], packet: Packet) -> None:
    if sockets:
        deliver(sockets, packet, sockets[0].hub.batcher)
