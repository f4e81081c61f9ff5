"""The channels of a process: one subscription at the backend, many listeners here.

This process subscribes to a channel once, however many clients listen to it: from the
first listener until the last one leaves. A message is decoded once, and encoded once
per generation of clients. The greenlet that receives it puts it into the outboxes of
all listeners, so messages stay in order, and no TurboGears request is active.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ..backends.channelnames import check_channel
from ..backends.choice import backend_of
from ..backends.feeds import Feed, feed_of, publish
from ..backends.together import Together
from ..engine.concurrency.failures import ERRORS
from ..engine.hub.rooms import deliver
from ..engine.logs import get_logger
from ..engine.namespaces.client import Client
from ..request.jsonify import dumps
from ..wire import json
from ..wire.errors import InvalidJSON
from ..wire.escape import escape
from ..wire.socketio.packet import Packet, event_packet
from .throttle import ThrottledWarnings

if TYPE_CHECKING:
    from anypubsub.interfaces import PubSub

log = get_logger(__name__)

#: The event that brings a message to the browser, in the original's spelling.
EVENT = "pubblication"


def loads(data: Any) -> Any:
    """Read a message of a backend.

    :raises InvalidJSON: when it is not JSON.
    """
    if isinstance(data, (bytes, bytearray, memoryview)):
        try:
            data = bytes(data).decode()
        except UnicodeDecodeError:
            raise InvalidJSON("invalid JSON: not UTF-8") from None
    if not isinstance(data, str):
        raise InvalidJSON(f"invalid JSON: it is {type(data).__name__}")
    return json.loads(data)


#: An endpoint, and whether its events carry the name of the channel. Listeners of one
#: audience get the same packet.
Audience = tuple[str, bool]


class Listener(NamedTuple):
    """A client that listens to a channel, in one of its namespaces.

    :param endpoint: the name of the namespace.
    :param named: whether its events carry the channel as second argument.
    :param owner: the namespace object. If the client leaves a namespace and connects to
        it again, there are two objects. Subscriptions of the second one stay when the
        first one unsubscribes.
    """

    socket: Client
    endpoint: str
    named: bool
    owner: object = None

    @property
    def audience(self) -> Audience:
        """The audience that it belongs to."""
        return self.endpoint, self.named


class Channel:
    """One channel, and its listeners in this process.

    :ivar open: whether the backend delivers its messages to this process.
    """

    def __init__(self, name: str, warnings: ThrottledWarnings) -> None:
        self.name = name
        self._warnings = warnings
        #: Maps each audience to its sockets, and each socket to the listener's owner.
        self.audiences: dict[Audience, dict[Client, object]] = {}
        #: The call that subscribes at the backend; new listeners wait for it together.
        self.asking = Together()
        self.open = False

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
        if not sockets:
            self.audiences.pop(listener.audience, None)

    def hear(self, data: Any) -> None:
        """Send a message of the backend to all listeners."""
        try:
            message = loads(data)
        except InvalidJSON as error:
            shown = data if isinstance(data, (str, bytes)) else type(data).__name__
            self._warnings.warn(
                "invalid",
                f"Skipped a message of channel '{escape(self.name)}': "
                f"{escape(error.reason)}: {escape(shown)}",
            )
            return
        for (endpoint, named), sockets in list(self.audiences.items()):
            args = (message, self.name) if named else (message,)
            packet = event_packet(endpoint, EVENT, args)
            try:
                _deliver(list(sockets), packet)
            except ERRORS:
                log.exception(
                    "A message of channel '%s' was not sent", escape(self.name)
                )


def _deliver(sockets: list[Client], packet: Packet) -> None:
    if sockets:
        deliver(sockets, packet, sockets[0].hub.batcher)


class Channels:
    """The channels of one backend in this process.

    :ivar backend: carries the messages.
    :ivar feed: listens to the backend.
    """

    def __init__(self, backend: PubSub) -> None:
        self.backend = backend
        self.feed: Feed = feed_of(backend)
        self._channels: dict[str, Channel] = {}
        self._warnings = ThrottledWarnings(log)

    def __len__(self) -> int:
        return len(self._channels)

    def publish(self, name: str, message: Any) -> None:
        """Send a message to all listeners of a channel, in every process.

        :param message: anything that can be written as JSON.
        :raises TypeError: when the message cannot be written as JSON.
        :raises ValueError: when the name is invalid.
        :raises BackendError: when the broker does not accept the message.
        """
        self.send(check_channel(name), dumps(message))

    def send(self, name: str, text: str) -> None:
        """Like :meth:`publish`, with a name that was checked, and JSON.

        :raises BackendError: when the broker does not accept the message.
        """
        publish(self.backend, name, text)

    def subscribe(self, name: str, listener: Listener) -> None:
        """Add a listener to a channel; a second time has no effect.

        Blocks until the backend has subscribed.

        :raises ValueError: when the name is invalid.
        :raises BackendError: when the backend cannot subscribe; the listener is removed
            then.
        """
        name = check_channel(name)
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(name, self._warnings)
        channel.add(listener)
        try:
            while channel.audiences and not channel.open:
                channel.asking.do(partial(self._open, channel))
        except BaseException:
            channel.discard(listener)
            raise
        finally:
            # The listener may have left while this blocked.
            self._close_if_unheard(channel)

    def _open(self, channel: Channel) -> None:
        self.feed.listen(channel.name, channel.hear)
        channel.open = True

    def unsubscribe(self, name: str, listener: Listener) -> None:
        """Remove a listener from a channel; does not block."""
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
    :raises BackendError: when the backend cannot be created.
    """
    backend = backend_of(settings)
    app_globals: Any = settings["tg.app_globals"]
    channels: Channels | None = getattr(app_globals, "socketio_channels", None)
    if channels is None or channels.backend is not backend:
        channels = app_globals.socketio_channels = Channels(backend)
    return channels
