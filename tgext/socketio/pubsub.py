"""Channels that clients subscribe to, and that anything publishes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from tg import config

from .backends import backend_of, feeds, is_local, shared_backend
from .backends.channelnames import check_channel
from .engine.concurrency.failures import FAILURES
from .engine.concurrency.fairness import in_turns
from .engine.concurrency.interruption import Interrupted
from .engine.concurrency.threads import carried, where_served
from .engine.hub.account import LimitExceeded
from .engine.logs import get_logger
from .messaging.channels import Channels, Listener, channels_of
from .namespace import SocketIOTGNamespace
from .request.jsonify import dumps
from .wire.escape import escape
from .wire.socketio.packet import Packet

if TYPE_CHECKING:
    from anypubsub.interfaces import PubSub

__all__ = ["PubSubTGNamespace", "publish"]

log = get_logger(__name__)

#: What a channel that a client asks for may be called.
CHANNEL_NAME = re.compile(r"[A-Za-z0-9 _.:-]+")

_NOT_AVAILABLE = "Trying to subscribe to a channel not available"
_TO_UNDERSCORE = str.maketrans(" .:-", "____")


def publish(
    channel: str, message: Any, settings: Mapping[str, Any] | None = None
) -> None:
    """Send a message to all who hear a channel, in every process.

    :param message: anything that JSON takes.
    :param settings: where there is no TurboGears application, as in a script, a Celery
        worker or a cron job: the configuration, of which the ``anypubsub.`` options
        matter. In an application it is the application's.
    :raises TypeError: when the message cannot be written as JSON.
    :raises ValueError: when no channel can have this name: see
        :func:`~tgext.socketio.backends.channelnames.check_channel`.
    :raises BackendError: when an option cannot be (it is named) or the broker does not
        take the message within seconds.
    :raises LookupError: without an application and without settings.
    """
    channel, text = check_channel(channel), dumps(message)
    where_served(_publish, channel, text, _configuration(), settings)


def _publish(
    channel: str,
    text: str,
    configuration: Mapping[str, Any],
    settings: Mapping[str, Any] | None,
) -> None:
    feeds.publish(_backend(configuration, settings), channel, text)


def _configuration() -> Mapping[str, Any]:
    """The application's, which the thread that serves might not know as this one's."""
    try:
        configuration: Mapping[str, Any] = config.config_proxy.current_conf()
    except AttributeError:
        return {}
    return configuration


def _backend(
    configuration: Mapping[str, Any], settings: Mapping[str, Any] | None
) -> PubSub:
    where = configuration if settings is None else settings
    if "tg.app_globals" in where:
        return backend_of(where)
    if settings is None:
        raise LookupError(
            "There is no TurboGears application in this process: give publish the "
            "configuration as `settings`, such as "
            "{'anypubsub.backend': 'redis', 'anypubsub.host': 'redis://localhost'}."
        )
    if is_local(settings):
        log.warning(
            "anypubsub.backend is memory, which reaches this process alone: nobody "
            "will hear what is published here"
        )
    return shared_backend(settings)


class PubSubTGNamespace(SocketIOTGNamespace):
    """A namespace whose clients subscribe to channels.

    The client's event ``subscribe``, with the name of a channel and further arguments,
    calls ``subscribe_<channel>`` with these arguments; in its name, spaces and ``.``,
    ``:``, ``-`` of the channel are ``_``. It takes ``@require`` and ``@validate``. When
    it returns False the client is rejected; a string is the channel that the client
    hears instead; anything else leaves it. The ack is the name of the channel that the
    client now hears, or False.

    A message of the channel arrives as the event ``pubblication``. The client's event
    ``unsubscribe`` ends that, and its ack is whether there was something to end.
    ``leave_<channel>`` is called then, and when the client disconnects, with the name
    of the channel if it takes an argument.
    """

    #: Whether ``pubblication`` carries the channel as second argument.
    pubblication_channel = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        #: By channel, what the client asked for.
        self._heard: dict[str, str] = {}
        self._hub: Channels | None = None
        self._asked: Callable[..., Any] | None = None
        super().__init__(*args, **kwargs)

    @classmethod
    def pubsub(cls) -> PubSub:
        """The backend of the application."""
        return backend_of(config)

    @property
    def channels(self) -> list[str]:
        """The channels that the client hears, in the order in which it came."""
        return list(self._heard)

    @carried
    def publish(self, channel: str, message: Any) -> None:
        """Send a message to all who hear a channel, in every process.

        :raises TypeError: when the message cannot be written as JSON.
        :raises ValueError: when no channel can have this name, which may be a client's.
        :raises BackendError: when the broker does not take it within seconds.
        """
        self._channels().publish(channel, message)

    def on_subscribe(self, packet: Packet) -> Any:
        """A client wants to hear a channel."""
        if not packet["args"]:
            text = "You must specify the channel you want to subscribe"
            self.error("channel_not_specified", text)
            return False
        asked, *args = packet["args"]
        method_name = self._method_name("subscribe_", asked)
        if method_name is None:
            self.error("channel_not_available", _NOT_AVAILABLE)
            return False
        if not self._heard_as(asked) and self._is_full():
            refused = escape(asked)
            log.info("max_channels: a client hears as many; refused: %s", refused)
            self.error("channel_not_available", _NOT_AVAILABLE)
            return False
        answered, answer = self._ask(method_name, {**packet, "args": args})
        if answered and answer is not False:
            channel = answer if answer and isinstance(answer, str) else asked
            try:
                channel = check_channel(channel)
            except ValueError as error:
                # A name that a client chose, perhaps, and that nobody looked at.
                log.info("A subscription (%s) is refused: %s", escape(asked), error)
                self.error("channel_not_available", _NOT_AVAILABLE)
                return False
            self._subscribe(channel, asked)
            return channel
        if answer is not None:
            text = "Your subscription has been rejected by server"
            self.error("subscription_rejected", text)
        return False

    def on_unsubscribe(self, packet: Packet) -> bool:
        """A client wants to hear a channel no more.

        It may say the name that it subscribed with, or the one that the ack told.
        """
        name = packet["args"][0] if packet["args"] else None
        channels = [name] if name in self.channels else self._heard_as(name)
        for channel in channels:
            self.unsubscribe(channel)
        return bool(channels)

    @carried
    def unsubscribe(self, channel: str) -> None:
        """Let the client hear a channel no more; it need not hear it."""
        asked = self._heard.pop(channel, None)
        if asked is None:
            return
        self._channels().unsubscribe(channel, self._listener())
        method_name = self._method_name("leave_", asked)
        if method_name is not None:
            # What ends a connection need not be an event.
            self.socket.around(self._tell_left, method_name, channel)

    def _tell_left(self, method_name: str, channel: str) -> None:
        method = getattr(self, method_name)
        handler = self._handler(method_name, method)
        self._decorated(method)(*(channel,)[: handler.most])

    def _begin_end(self) -> None:
        super()._begin_end()
        # What `recv_disconnect` publishes is not for the one that leaves.
        for channel in self._heard:
            self._channels().unsubscribe(channel, self._listener())

    def kill_local_jobs(self) -> None:
        for channel in in_turns(self.channels):
            try:
                self.unsubscribe(channel)
            except Interrupted:
                raise
            except FAILURES:
                log.exception("Leaving channel %r failed", channel)
        super().kill_local_jobs()

    def _heard_as(self, name: Any) -> list[str]:
        return [channel for channel, asked in self._heard.items() if asked == name]

    def _number_heard(self) -> int:
        """How many channels the connection hears, over all its namespaces."""
        namespaces = {self, *self.socket.active_ns.values()}
        return sum(
            len(each._heard)
            for each in namespaces
            if isinstance(each, PubSubTGNamespace)
        )

    def _is_full(self) -> bool:
        try:
            self.socket.account.check("max_channels", self._number_heard())
        except LimitExceeded:
            return True
        return False

    def _subscribe(self, channel: str, asked: str) -> None:
        if channel in self._heard:
            return
        if self._is_over():
            log.debug("A client that left %s hears no channel", self.ns_name or "/")
            return
        self.socket.account.check("max_channels", self._number_heard())
        self._heard[channel] = asked
        try:
            self._channels().subscribe(channel, self._listener())
        except BaseException:
            self._heard.pop(channel, None)
            raise
        if self._admission is not None:
            # Of its messages none reaches a client that is not admitted yet.
            self._admission.undoes(partial(self.unsubscribe, channel))

    def _channels(self) -> Channels:
        # What ends the subscriptions need not run within a request.
        if self._hub is None:
            self._hub = channels_of(config)
        return self._hub

    def _listener(self) -> Listener:
        return Listener(self.socket, self.ns_name, self.pubblication_channel, self)

    def _method_name(self, prefix: str, channel: Any) -> str | None:
        """The method for a channel whose name came from a client, if there is one."""
        if not isinstance(channel, str) or CHANNEL_NAME.fullmatch(channel) is None:
            return None
        name = prefix + channel.translate(_TO_UNDERSCORE)
        return name if callable(getattr(self, name, None)) else None

    def _ask(self, method_name: str, packet: Packet) -> tuple[bool, Any]:
        """Call a method as an event does.

        :returns: whether the method itself ran, which one that is forbidden or whose
            arguments are invalid does not; and what was returned.
        """
        self._asked = getattr(self, method_name)
        try:
            answer = self.call_method_with_acl(method_name, packet, *packet["args"])
            return self._asked is None, answer
        finally:
            self._asked = None

    def _decorated(self, function: Callable[..., Any]) -> Callable[..., Any]:
        # The last step before a method, or the error handler in its place, runs.
        if self._asked is not None and function == self._asked:
            self._asked = None
        return super()._decorated(function)
