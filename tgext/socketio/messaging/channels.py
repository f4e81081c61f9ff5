"""The channels of a process: one subscription at the backend, many listeners here.

This process subscribes to a channel once, however many clients listen to it: from the
first listener until the last one leaves. A message is decoded once, and encoded once
per generation of clients. The greenlet that receives it puts it into the outboxes of
all listeners, so messages stay in order, and no TurboGears request is active.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from ..backends.channelnames import check_channel
from ..backends.choice import backend_of
from ..backends.feeds import Feed, Pumps, feed_of, publish
from ..engine.logs import get_logger
from ..request.tracing import find_tracer, is_wanted, publishing
from .channel import EVENT, Audience, Channel, Listener, Reader
from .histories import Histories, at_least
from .log import Keep
from .messages import write
from .throttle import ThrottledWarnings

if TYPE_CHECKING:
    from anypubsub.interfaces import PubSub

__all__ = ["EVENT", "Channel", "Channels", "Listener", "Reader", "channels_of"]

log = get_logger(__name__)


class Channels:
    """The channels of one backend in this process.

    :ivar backend: carries the messages.
    :ivar feed: listens to the backend.
    :ivar histories: the history of the channels.
    :ivar traced: whether there are spans, where OpenTelemetry is set up.
    :ivar missed: called when messages of any topic of the backend may have been missed
        that no log has.
    """

    traced = True

    def __init__(self, backend: PubSub) -> None:
        self.backend = backend
        self.feed: Feed = feed_of(backend)
        self.histories = Histories(backend)
        self._channels: dict[str, Channel] = {}
        self._warnings = ThrottledWarnings(log)
        self.missed: list[Callable[[], object]] = []
        if isinstance(self.feed, Pumps):
            self.feed.missed.append(self._miss)

    def __len__(self) -> int:
        return len(self._channels)

    def publish(self, name: str, message: Any) -> None:
        """Send a message to all listeners of a channel, in every process.

        :param message: anything that can be written as JSON, with bytes in it.
        :raises TypeError: when the message cannot be written as JSON.
        :raises ValueError: when the name is invalid.
        :raises BackendError: when the broker does not accept the message.
        """
        name = check_channel(name)
        self.send(name, write(message, name))

    def send(
        self, name: str, text: str, keep: Keep | None = None, key: str | None = None
    ) -> None:
        """Like :meth:`publish`, with a name that was checked, and a written message.

        :param keep: the history that the publisher asks for; None if it asks for none.
        :param key: with the same key, the message is sent once in the time of its
            history.
        :raises ValueError: when there is a key, and the channel has no history.
        :raises BackendError: when the broker does not accept the message.
        """
        known = self._channels.get(name)
        if keep is not None and known is not None and known.keep is not None:
            keep = at_least(keep, known.keep)  # other namespaces may ask for more
        tracer = find_tracer() if self.traced else None
        told = publishing(tracer, "publish channel", messaging_destination_name=name)
        with told, _expecting(known):
            if keep is None and key is None and not self.histories.are_used:
                publish(self.backend, name, text)
            else:
                self.histories.publish(name, text, keep, key)

    def subscribe(
        self, name: str, listener: Listener, earlier: Reader | None = None
    ) -> bool:
        """Add a listener to a channel; a second time has no effect.

        Blocks until the backend has subscribed.

        :param earlier: reads what the listener is sent before anything newer.
        :returns: whether it was sent all that it missed: false without a log.
        :raises ValueError: when the name is invalid.
        :raises BackendError: when the backend cannot subscribe; the listener is removed
            then.
        """
        name = check_channel(name)
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(name, self._warnings)
        channel.add(listener)
        if earlier is not None:
            channel.hold(listener)
        try:
            self._hear(channel, listener.keep)
            if earlier is None:
                return False
            return self._send_earlier(channel, listener, earlier)
        except BaseException:
            channel.discard(listener)
            raise
        finally:
            channel.release(listener)
            # The listener may have left while this blocked.
            self._close_if_unheard(channel)

    def _open(self, channel: Channel) -> None:
        self.feed.listen(channel.name, channel.hear)
        channel.open = True

    def _lacks(self, channel: Channel, keep: Keep) -> bool:
        """Whether the history of a channel is less than one that is asked for."""
        if not (channel.open and channel.is_wanted):
            return False
        known = channel.keep
        is_less = known is None or at_least(known, keep) != known
        return is_less and self.histories.log_for() is not None

    def _keep(self, channel: Channel, keep: Keep) -> None:
        """Let the log give a channel its messages."""
        log = self.histories.log_for()
        assert log is not None
        keep = at_least(channel.keep, keep)
        self.histories.declare(channel.name, keep)
        log.when_lost(self._tell_lost)
        if channel.log is None:
            channel.since = log.listen(channel.name, channel.hear_entry)
        channel.log, channel.keep = log, keep
        channel.unlogged = partial(self.histories.miss, channel.name, keep)

    def _tell_lost(self) -> None:
        """Tell those who can ask for what they missed that there is something."""
        channels = [each for each in self._channels.values() if each.log is not None]
        _lose(channels)
        for channel in channels:
            channel.tell_lost()

    def _miss(self, name: str) -> None:
        """Let nobody recover who has missed what was published on a channel."""
        channel = self._channels.get(name)
        if channel is not None:
            _lose([channel])
        for each in self.missed:
            each()

    def _send_earlier(
        self, channel: Channel, listener: Listener, earlier: Reader
    ) -> bool:
        if channel.log is None or not channel.open:
            channel.let_go(listener)
            return False
        replay = earlier(channel.log)
        channel.send_earlier(listener, replay)
        channel.let_go(listener)
        return replay.complete

    def unsubscribe(self, name: str, listener: Listener) -> None:
        """Remove a listener from a channel; does not block."""
        channel = self._channels.get(name)
        if channel is not None:
            channel.discard(listener)
            self._close_if_unheard(channel)

    def keep(self, name: str, audience: Audience) -> Callable[[], None]:
        """Hear a channel for a client that has gone, and may be back.

        The client is one of its listeners still.

        :param audience: what it belonged to.
        :returns: a function that ends it.
        """
        channel = self._channels[name]
        channel.keep_for(audience)

        def release() -> None:
            channel.forget(audience)
            self._close_if_unheard(channel)

        return release

    def hear_for(self, name: str, audience: Audience, keep: Keep) -> Callable[[], None]:
        """Hear a channel for a client that another process had, and that may be back.

        Blocks until the backend has subscribed.

        :param keep: the history that its namespace asks for.
        :returns: a function that ends it.
        :raises BackendError: when the backend cannot subscribe.
        """
        channel = self._channels.setdefault(name, Channel(name, self._warnings))
        release = self.keep(name, audience)
        try:
            self._hear(channel, keep)
        except BaseException:
            release()
            raise
        return release

    def _hear(self, channel: Channel, keep: Keep | None) -> None:
        """Subscribe to a channel, while it is wanted."""
        while channel.is_wanted and not channel.open:
            channel.asking.do(partial(self._open, channel))
        while keep is not None and self._lacks(channel, keep):
            channel.asking.do(partial(self._keep, channel, keep))

    def since(self, name: str) -> int:
        """The number of the log's latest message before a channel was heard."""
        channel = self._channels.get(name)
        return 0 if channel is None else channel.since

    def _close_if_unheard(self, channel: Channel) -> None:
        if channel.is_wanted or channel.asking.under_way:
            return
        if self._channels.get(channel.name) is channel:
            del self._channels[channel.name]
        if channel.log is not None:
            channel.log.unlisten(channel.name, channel.hear_entry)
            channel.log = None
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
        channels.traced = is_wanted(settings)
    return channels


@contextmanager
def _expecting(channel: Channel | None) -> Iterator[None]:
    """Expect what is published on a channel, if it has listeners here."""
    batcher = None if channel is None else channel.batcher
    if batcher is None:
        yield
        return
    batcher.expect()
    try:
        yield
    finally:
        batcher.has_come()


def _lose(channels: Iterable[Channel]) -> None:
    """Messages may be missing: who has gone cannot have them when it is back."""
    for journal in set().union(*(each.journals for each in channels)):
        journal.lose()
