"""A process's channels: subscribed once at the backend, fanned out here.

However many browsers listen to a channel, the backend has one subscription of it in
this process, opened with the first of them and closed with the last. A message is
decoded once, encoded once per generation of clients, and put into their outboxes, all
in the greenlet that heard it: in order, and never within a TurboGears request.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ..backends import backend_of
from ..backends.channelnames import check_channel
from ..backends.feeds import Feed, feed_of, publish
from ..backends.together import Together
from ..engine.concurrency.failures import ERRORS
from ..engine.hub.rooms import deliver
from ..engine.logs import get_logger
from ..engine.session.session import Socket
from ..request.jsonify import dumps
from ..wire import json
from ..wire.errors import InvalidJSON
from ..wire.escape import escape
from ..wire.socketio.packet import event_packet
from .skipping import Skipping

if TYPE_CHECKING:
    from anypubsub.interfaces import PubSub

log = get_logger(__name__)

#: The event that brings a message to the browser, in the original's spelling.
EVENT = "pubblication"


def loads(data: Any) -> Any:
    """Read a backend's message.

    :raises InvalidJSON: when it isn't JSON.
    """
    if isinstance(data, (bytes, bytearray, memoryview)):
        try:
            data = bytes(data).decode()
        except UnicodeDecodeError:
            raise InvalidJSON("invalid JSON: not UTF-8") from None
    if not isinstance(data, str):
        raise InvalidJSON(f"invalid JSON: {type(data).__name__} is no text")
    return json.loads(data)


Audience = tuple[str, bool]


class Listener(NamedTuple):
    """A client's namespace that hears a channel.

    :param named: whether its events carry the channel as second argument.
    :param owner: the namespace itself; the client may come back to a later one of the
        same name, and what the earlier one leaves is not what the later one hears.
    """

    socket: Socket
    endpoint: str
    named: bool
    owner: object = None

    @property
    def audience(self) -> Audience:
        """What it shares with those who get the same packet."""
        return self.endpoint, self.named


class Channel:
    """One channel, and who hears it here."""

    def __init__(self, name: str, skipping: Skipping) -> None:
        self.name = name
        self._skipping = skipping
        #: By audience, the sockets, each with the owner of its listener.
        self.audiences: dict[Audience, dict[Socket, object]] = {}
        #: The backend is asked for the channel.
        self.asking = Together()
        self.open = False

    def add(self, listener: Listener) -> None:
        self.audiences.setdefault(listener.audience, {})[listener.socket] = (
            listener.owner
        )

    def discard(self, listener: Listener) -> None:
        sockets = self.audiences.get(listener.audience, {})
        if sockets.get(listener.socket) is listener.owner:
            sockets.pop(listener.socket, None)
        if not sockets:
            self.audiences.pop(listener.audience, None)

    def hear(self, data: Any) -> None:
        """Send a message of the backend to all listeners."""
        try:
            message = loads(data)
        except InvalidJSON as error:
            shown = data if isinstance(data, (str, bytes)) else type(data).__name__
            self._skipping.warn(
                "invalid",
                f"Skipped a message of channel '{escape(self.name)}': "
                f"{escape(error.reason)}: {escape(shown)}",
            )
            return
        for (endpoint, named), sockets in list(self.audiences.items()):
            args = (message, self.name) if named else (message,)
            packet = event_packet(endpoint, EVENT, args)
            try:
                deliver(list(sockets), packet)
            except ERRORS:
                log.exception(
                    "A message of channel '%s' was not sent", escape(self.name)
                )


class Channels:
    """The channels of one backend in this process.

    :ivar backend: carries the messages.
    :ivar feed: how to listen to it.
    """

    def __init__(self, backend: PubSub) -> None:
        self.backend = backend
        self.feed: Feed = feed_of(backend)
        self._channels: dict[str, Channel] = {}
        self._skipping = Skipping(log)

    def __len__(self) -> int:
        return len(self._channels)

    def publish(self, name: str, message: Any) -> None:
        """Send a message to all who hear a channel, in every process.

        :param message: anything that JSON takes.
        :raises TypeError: when it cannot be written as JSON.
        :raises ValueError: when no channel can have this name.
        :raises BackendError: when the broker does not take it.
        """
        publish(self.backend, check_channel(name), dumps(message))

    def subscribe(self, name: str, listener: Listener) -> None:
        """Have a listener hear a channel; again has no effect.

        Blocks until the backend has the channel.

        :raises ValueError: when no channel can have this name.
        :raises BackendError: when the backend cannot be had; nothing is left then.
        """
        name = check_channel(name)
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(name, self._skipping)
        channel.add(listener)
        try:
            while channel.audiences and not channel.open:
                channel.asking.do(partial(self._open, channel))
        except BaseException:
            channel.discard(listener)
            raise
        finally:
            # Meanwhile the listener, or the last of all, may have left.
            self._close_if_unheard(channel)

    def _open(self, channel: Channel) -> None:
        self.feed.listen(channel.name, channel.hear)
        channel.open = True

    def unsubscribe(self, name: str, listener: Listener) -> None:
        """Have a listener hear a channel no more; does not block."""
        channel = self._channels.get(name)
        if channel is not None:
            channel.discard(listener)
            self._close_if_unheard(channel)

    def _close_if_unheard(self, channel: Channel) -> None:
        if channel.audiences or channel.asking.under_way:
            return
        if self._channels.get(channel.name) is channel:
            del self._channels[channel.name]
        if channel.open:
            channel.open = False
            self.feed.unlisten(channel.name, channel.hear)


def channels_of(settings: Mapping[str, Any]) -> Channels:
    """The channels of an application: those of its ``app_globals.anypubsub``.

    :param settings: the application's configuration, as ``tg.config``.
    :raises BackendError: when the backend cannot be made.
    """
    backend = backend_of(settings)
    app_globals: Any = settings["tg.app_globals"]
    channels: Channels | None = getattr(app_globals, "socketio_channels", None)
    if channels is None or channels.backend is not backend:
        channels = app_globals.socketio_channels = Channels(backend)
    return channels
