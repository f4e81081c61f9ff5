"""One channel in this process: its listeners, and what they are sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from ..backends.logs.entries import read_logged
from ..backends.together import Together
from ..engine.concurrency.failures import ERRORS
from ..engine.concurrency.fairness import in_turns
from ..engine.hub.roomkeys import ChannelRoom
from ..engine.io.batcher import Batcher
from ..engine.logs import get_logger
from ..engine.namespaces.client import Client
from ..wire.errors import InvalidJSON
from ..wire.escape import escape
from .audiences import EVENT, Audience, Listener, Told
from .log import Entry, Keep, Log, Position, Replay
from .messages import read
from .throttle import ThrottledWarnings

__all__ = ["EVENT", "Audience", "Channel", "Listener", "Reader"]

log = get_logger(__name__)

#: Messages that wait while a client is sent earlier ones. With more, nobody waits for
#: the client to read: a slow one is disconnected.
MOST_HELD: Final = 1000

#: Reads what a listener is sent before what is new.
Reader = Callable[[Log], Replay]


class Channel:
    """One channel, and its listeners in this process.

    :ivar open: whether the backend delivers its messages to this process.
    :ivar keep: the history that is kept of it; None for none.
    :ivar since: the number of the log's latest message before the log gave its own.
    """

    def __init__(self, name: str, warnings: ThrottledWarnings) -> None:
        self.name = name
        self._warnings = warnings
        #: Maps each audience to its sockets, and each socket to the listener's owner.
        self.audiences: dict[Audience, dict[Client, object]] = {}
        #: Audiences with clients that have gone and may be back, and how many.
        self.kept: dict[Audience, int] = {}
        #: The call that subscribes at the backend; new listeners wait for it together.
        self.asking = Together()
        self.open = False
        self.keep: Keep | None = None
        self.since = 0
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
        if listener.journal is not None:
            listener.journal.joined(ChannelRoom(self.name), listener.socket)

    def discard(self, listener: Listener) -> None:
        """Remove a listener, if its owner is the one that was added."""
        sockets = self.audiences.get(listener.audience, {})
        if sockets.get(listener.socket) is listener.owner:
            sockets.pop(listener.socket, None)
            self._sent.pop((listener.socket, listener.audience), None)
            if listener.journal is not None:
                listener.journal.left(ChannelRoom(self.name), listener.socket)
        if not sockets:
            self.audiences.pop(listener.audience, None)

    def keep_for(self, audience: Audience) -> None:
        """Keep what is new for a client that has gone."""
        self.kept[audience] = self.kept.get(audience, 0) + 1

    def forget(self, audience: Audience) -> None:
        """End a :meth:`keep_for`."""
        self.kept[audience] -= 1
        if not self.kept[audience]:
            del self.kept[audience]

    @property
    def is_wanted(self) -> bool:
        """Whether anybody listens to it, or may be back who did."""
        return bool(self.audiences or self.kept)

    def _has(self, listener: Listener) -> bool:
        sockets = self.audiences.get(listener.audience, {})
        known = listener.socket in sockets
        return known and sockets[listener.socket] is listener.owner

    @property
    def batcher(self) -> Batcher | None:
        """The one of a listener: it writes what the channel brings."""
        for sockets in self.audiences.values():
            for each in sockets:
                return each.hub.batcher
        return None

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
        for audience in dict.fromkeys((*self.audiences, *self.kept)):
            self._tell(audience, told)

    def _tell(self, audience: Audience, told: Told) -> None:
        sockets = list(self.audiences.get(audience, ()))
        others: list[Client] = []
        if self._held or self._sent:
            found, sockets = sockets, []
            for each in found:
                waits = self._waits(each, audience, told)
                (others if waits else sockets).append(each)
        try:
            audience.tell(self.name, told, sockets, others)
        except ERRORS:
            log.exception("A message of channel '%s' was not sent", escape(self.name))

    def _waits(self, socket: Client, audience: Audience, told: Told) -> bool:
        """Whether a listener is sent a message later, or was sent it before."""
        is_sent = self._is_sent(socket, audience, told.position)
        return is_sent or self._hold(socket, audience, told)

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

    @property
    def journals(self) -> set[Any]:
        """Those of its listeners, and of clients that may be back."""
        journals = {each.journal for each in (*self.audiences, *self.kept)}
        return journals - {None}

    def tell_lost(self) -> None:
        """Tell listeners that know positions that messages may be missing."""
        told = {"channel": self.name}
        for audience, sockets in list(self.audiences.items()):
            if audience.positioned:
                for each in in_turns(list(sockets)):
                    each.error("messages_lost", told, endpoint=audience.endpoint)

    # Earlier messages

    def hold(self, listener: Listener) -> None:
        """Keep what is new for a listener until it was sent what is earlier."""
        if listener.journal is not None:
            # What it has got so far, and what it gets from now on.
            listener.journal.left(ChannelRoom(self.name), listener.socket)
            listener.journal.joined(ChannelRoom(self.name), listener.socket)
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
        try:
            listener.send(listener.audience.packet(self.name, told), may_wait)
        except TypeError as error:
            # Bytes, which 0.9 clients cannot receive.
            log.debug("A message of '%s' was not sent: %s", escape(self.name), error)
