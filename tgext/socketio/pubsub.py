"""Channels: clients subscribe to them, and any process publishes on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from crank.util import get_argspec
from tg import config

from .backends.channelnames import check_channel
from .backends.choice import backend_of
from .backends.errors import BackendError
from .engine.concurrency.failures import FAILURES
from .engine.concurrency.fairness import in_turns
from .engine.concurrency.interruption import Interrupted
from .engine.concurrency.threads import carried
from .engine.hub.account import LimitExceeded
from .engine.logs import get_logger
from .engine.namespaces.names import Shown
from .messaging.histories import Histories
from .messaging.log import Position
from .messaging.messages import write
from .messaging.publishing import publish
from .messaging.subscriptions import Asked, Subscriptions, method_name, wanted_by
from .namespace import SocketIOTGNamespace
from .request.guards import all_met
from .request.runner import DENIALS
from .wire.escape import escape
from .wire.socketio.packet import Packet

if TYPE_CHECKING:
    from anypubsub.interfaces import PubSub

__all__ = ["PubSubTGNamespace", "publish"]

log = get_logger(__name__)

_NOT_AVAILABLE = "Trying to subscribe to a channel not available"


class PubSubTGNamespace(SocketIOTGNamespace):
    """A namespace whose clients subscribe to channels.

    The client's event ``subscribe``, with the name of a channel and further arguments,
    calls ``subscribe_<channel>`` with these arguments. Spaces, ``.``, ``:`` and ``-``
    in the name of the channel are ``_`` in the name of the method. The method may have
    ``@require`` and ``@validate``. It returns False to reject the client, or the name
    of another channel to subscribe it to; with any other value the client is subscribed
    to the channel that it asked for. The ack is the name of the channel, or False.

    With ``history``, the client's event ``resume`` is ``subscribe`` with a position in
    front: it sends first what came after it.

    A message of the channel arrives as the event ``pubblication``. The client's event
    ``unsubscribe`` ends the subscription; its ack is whether there was one. The method
    ``leave_<channel>`` is called then, and when the client disconnects. If it takes an
    argument, that is the name of the channel.
    """

    #: Whether ``pubblication`` carries the channel as second argument.
    pubblication_channel: Any = False

    #: Whether it carries its position as last argument, with which clients resume. A
    #: message that is in no history has None.
    pubblication_position: Any = False

    #: The number of messages that are kept of each channel, and how many seconds.
    history: Any = 0
    history_ttl: Any = 300

    #: The number of them that a new subscriber is sent at once.
    rewind: Any = 0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if wanted_by(cls).keep is not None or cls._tgsio_recovers:
            Histories.are_used = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._tgsio_subscriptions = Subscriptions(self)
        #: The position after which `on_subscribe` is to send messages, for `on_resume`.
        self._tgsio_since: Position | None = None
        self._tgsio_complete = False
        self._tgsio_asked: Asked | None = None
        super().__init__(*args, **kwargs)

    @classmethod
    def pubsub(cls) -> PubSub:
        """The backend of the application."""
        return backend_of(config)

    #: The channels that the client hears, in the order of its subscriptions.
    channels: Any = Shown("_tgsio_heard_channels")

    @property
    def _tgsio_heard(self) -> dict[str, str]:
        return self._tgsio_subscriptions.heard

    @property
    def _tgsio_heard_channels(self) -> list[str]:
        return list(self._tgsio_heard)

    def publish(
        self,
        channel: str,
        message: Any,
        on_commit: bool = False,
        key: str | None = None,
    ) -> None:
        """Send a message to all listeners of a channel, in every process.

        :param message: anything that can be written as JSON, with bytes in it.
        :param on_commit: whether it is sent when the current transaction has committed,
            and not at all when that is rolled back. The message is written now.
        :param key: of messages with one key, only the first is sent in the time of the
            channel's history.
        :raises TypeError: when the message cannot be written as JSON.
        :raises ValueError: when the name of the channel is invalid; a name that a
            client chose may be. Also when there is a key, and the channel has no
            history.
        :raises BackendError: when the broker does not accept the message within
            seconds.
        """
        text = write(message, channel := check_channel(channel))
        if on_commit:
            self._tgsio_on_commit(self._tgsio_publish, channel, text, key)
        else:
            self._tgsio_publish(channel, text, key)

    @carried
    def _tgsio_publish(self, channel: str, text: str, key: str | None) -> None:
        subscriptions = self._tgsio_subscriptions
        keep = subscriptions.keep if Histories.are_used else None
        subscriptions.channels.send(channel, text, keep, key)

    def on_subscribe(self, packet: Packet) -> Any:
        """Subscribe the client to a channel.

        :returns: the ack: the name of the channel, or False.
        """
        if not packet["args"]:
            text = "You must specify the channel you want to subscribe"
            self.error("channel_not_specified", text)
            return False
        asked, *args = packet["args"]
        method_name = self._tgsio_method_name("subscribe_", asked)
        if method_name is None or self._tgsio_is_too_many(asked):
            return self._tgsio_not_available()
        called, answer = self._tgsio_ask(method_name, {**packet, "args": args})
        if called and answer is not False:
            other = answer if answer and isinstance(answer, str) else None
            return self._tgsio_accept(asked, other or asked)
        if answer is not None:
            text = "Your subscription has been rejected by server"
            self.error("subscription_rejected", text)
        return False

    def on_resume(self, packet: Packet) -> Any:
        """Subscribe the client, and send it what came after a position first.

        The arguments are the position of a message, and then those of ``subscribe``,
        whose method decides. The position may be None: then all that is kept is sent.

        :returns: the ack: ``[channel, complete]``, where ``complete`` tells whether no
            message after the position is missing; or False.
        """
        text, *args = packet["args"] or [None]
        try:
            since = Position("", 0) if text is None else Position.read(text)
        except ValueError as error:
            self.error("invalid_position", str(error))
            return False
        self._tgsio_since, self._tgsio_complete = since, False
        asked: Packet = {**packet, "name": "subscribe", "args": args}
        try:
            channel = self.call_method_with_acl("on_subscribe", asked, *args)
        finally:
            self._tgsio_since = None
        return [channel, self._tgsio_complete] if channel else False

    def _tgsio_accept(self, asked: str, channel: str) -> Any:
        """Subscribe the client.

        :param asked: the name that the client asked for.
        :param channel: the channel that its method chose.
        """
        try:
            channel = check_channel(channel)
        except ValueError as error:
            # The method may return a name that the client chose, unchecked.
            log.info("A subscription (%s) is refused: %s", escape(asked), error)
            return self._tgsio_not_available()
        self._tgsio_complete = self._tgsio_subscribe(channel, asked, self._tgsio_since)
        return channel

    def _tgsio_not_available(self) -> bool:
        self.error("channel_not_available", _NOT_AVAILABLE)
        return False

    def _tgsio_is_too_many(self, asked: str) -> bool:
        """Whether the client would exceed ``max_channels``."""
        if self._tgsio_subscriptions.heard_as(asked):
            return False
        try:
            number = self._tgsio_subscriptions.number
            self.socket.account.check("max_channels", number)
        except LimitExceeded as error:
            log.info("A subscription (%s) is refused: %s", escape(asked), error)
            return True
        return False

    def on_unsubscribe(self, packet: Packet) -> bool:
        """End a subscription of the client.

        The client gives the name that it subscribed with, or the one of the ack.

        :returns: the ack: whether it was subscribed.
        """
        name = packet["args"][0] if packet["args"] else None
        heard = list(self._tgsio_heard)  # a name may be a list, which is in no dict
        channels = [name] if name in heard else self._tgsio_subscriptions.heard_as(name)
        for channel in channels:
            self._tgsio_subscriptions.end(channel)
        return bool(channels)

    @carried
    def unsubscribe(self, channel: str) -> None:
        """End the subscription of the client to a channel, if it has one."""
        self._tgsio_subscriptions.end(channel)

    def _tgsio_tell_left(self, channel: str, asked: str) -> None:
        method_name = self._tgsio_method_name("leave_", asked)
        if method_name is not None:
            # A connection may end outside of any event.
            self.socket.runner.run(self._tgsio_call_left, method_name, channel)

    def _tgsio_call_left(self, method_name: str, channel: str) -> None:
        method = getattr(self, method_name)
        handler: Any = self._tgsio_handlers.of(method_name, method)
        takes = handler.names or any(get_argspec(handler.named)[:2])
        self._tgsio_decorated(method)(*((channel,) if takes else ()))

    def _tgsio_begin_end(self) -> None:
        super()._tgsio_begin_end()
        # The client must not hear what its own `recv_disconnect` publishes.
        self._tgsio_subscriptions.stop_hearing()

    def kill_local_jobs(self) -> None:
        for channel in in_turns(list(self._tgsio_heard)):
            try:
                self._tgsio_subscriptions.end(channel)
            except Interrupted:
                raise
            except FAILURES:
                log.exception("Leaving channel %r failed", channel)
        super().kill_local_jobs()

    @property
    def _tgsio_asked_channels(self) -> Mapping[str, str]:
        return self._tgsio_heard

    @property
    def _tgsio_channel_form(self) -> tuple[bool, bool]:
        return self._tgsio_subscriptions.form

    @property
    def _tgsio_is_subscribing(self) -> bool:
        return self._tgsio_subscriptions.is_adding

    def _tgsio_keep_channels(self) -> Callable[[], object]:
        return self._tgsio_subscriptions.hear_on()

    def _tgsio_hears_again(self, channels: Mapping[str, str]) -> bool:
        for asked in channels.values():
            method_name = self._tgsio_method_name("subscribe_", asked)
            if method_name is None or not self.is_method_allowed(method_name):
                log.info("A client may not hear channel %s again", escape(asked))
                return False
        try:
            for channel, asked in channels.items():
                self._tgsio_subscribe(channel, asked, is_back=True)
        except (BackendError, LimitExceeded) as error:
            log.warning("A client does not hear its channels again: %s", escape(error))
            self._tgsio_subscriptions.forget()
            return False
        return True

    def _tgsio_ask_again(self) -> None:
        super()._tgsio_ask_again()
        denials: dict[str, str | None] = {}
        for channel, asked in list(self._tgsio_heard.items()):
            name = self._tgsio_method_name("subscribe_", asked)
            if name is None or self._tgsio_ended:
                continue
            if name not in denials:
                denials[name] = self._tgsio_denied(name)
            if (reason := denials[name]) is not None:
                told = {"channel": channel, "reason": reason}
                self.error("subscription_ended", told)
                self._tgsio_subscriptions.end(channel)

    def _tgsio_denied(self, method_name: str) -> str | None:
        """Why a client that has subscribed may not do so any more; None if it may."""
        requirements = self._tgsio_requirements(method_name)
        try:
            if all_met(requirements, self._tgsio_event_environ):
                return None
            return self._tgsio_denial(method_name)
        except DENIALS as denial:  # a predicate has called `tg.abort`
            return str(denial)

    def _tgsio_subscribe(
        self,
        channel: str,
        asked: str,
        since: Position | None = None,
        is_back: bool = False,
    ) -> bool:
        complete = self._tgsio_subscriptions.add(channel, asked, since, is_back)
        name = self._tgsio_method_name("subscribe_", asked)
        if name is not None and self._tgsio_requirements(name):
            self._tgsio_listen()
        return complete

    def _tgsio_method_name(self, prefix: str, channel: Any) -> str | None:
        """The method for a channel that a client names; None if it does not exist."""
        name = method_name(prefix, channel)
        return name if name and callable(getattr(self, name, None)) else None

    def _tgsio_ask(self, method_name: str, packet: Packet) -> tuple[bool, Any]:
        """Call a method as an event does, with ``@require`` and ``@validate``.

        :returns: whether the method was called and has returned, and what the call
            returned. It is not called when the client is denied, or the arguments are
            invalid.
        """
        asked = self._tgsio_asked = Asked(getattr(self, method_name))
        try:
            answer = self.call_method_with_acl(method_name, packet, *packet["args"])
            return asked.returned, answer
        finally:
            self._tgsio_asked = None

    def _tgsio_decorated(self, function: Callable[..., Any]) -> Callable[..., Any]:
        # The last step before the method is called.
        asked = self._tgsio_asked
        if asked is not None and function == asked.method:
            function = asked.noting(function)
        return super()._tgsio_decorated(function)
