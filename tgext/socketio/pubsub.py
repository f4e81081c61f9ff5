"""Channels: clients subscribe to them, and any process publishes on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from crank.util import get_argspec
from tg import config

from .backends.channelnames import check_channel
from .backends.choice import backend_of
from .engine.concurrency.failures import FAILURES
from .engine.concurrency.fairness import in_turns
from .engine.concurrency.interruption import Interrupted
from .engine.concurrency.threads import carried
from .engine.hub.account import LimitExceeded
from .engine.logs import get_logger
from .engine.namespaces.names import Shown
from .messaging.channels import Channels, Listener, channels_of
from .messaging.publishing import publish
from .namespace import SocketIOTGNamespace
from .request.guards import all_met
from .request.jsonify import dumps
from .request.runner import DENIALS, Runner
from .wire.escape import escape
from .wire.socketio.packet import Packet

if TYPE_CHECKING:
    from anypubsub.interfaces import PubSub

__all__ = ["PubSubTGNamespace", "publish"]

log = get_logger(__name__)

#: The names that clients may ask for: each names a method of the namespace.
CHANNEL_NAME = re.compile(r"[A-Za-z0-9 _.:-]+")

_NOT_AVAILABLE = "Trying to subscribe to a channel not available"
_TO_UNDERSCORE = str.maketrans(" .:-", "____")


class _Asked:
    """A method that decides whether a client is subscribed.

    :ivar returned: whether it was called, and did not fail. A decorator or an override
        of the application may catch its failure.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method = method
        self.returned = False

    def noting(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """The method, which notes that it has returned."""

        @wraps(method)
        def note(*args: Any, **kwargs: Any) -> Any:
            self.returned = False
            answer = method(*args, **kwargs)
            self.returned = True
            return answer

        return note


class PubSubTGNamespace(SocketIOTGNamespace):
    """A namespace whose clients subscribe to channels.

    The client's event ``subscribe``, with the name of a channel and further arguments,
    calls ``subscribe_<channel>`` with these arguments. Spaces, ``.``, ``:`` and ``-``
    in the name of the channel are ``_`` in the name of the method. The method may have
    ``@require`` and ``@validate``. It returns False to reject the client, or the name
    of another channel to subscribe it to; with any other value the client is subscribed
    to the channel that it asked for. The ack is the name of the channel, or False.

    A message of the channel arrives as the event ``pubblication``. The client's event
    ``unsubscribe`` ends the subscription; its ack is whether there was one. The method
    ``leave_<channel>`` is called then, and when the client disconnects. If it takes an
    argument, that is the name of the channel.
    """

    #: Whether ``pubblication`` carries the channel as second argument.
    pubblication_channel = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        #: Maps each channel of the client to the name that the client asked for.
        self._tgsio_heard: dict[str, str] = {}
        self._tgsio_process_channels: Channels | None = None
        self._tgsio_asked: _Asked | None = None
        super().__init__(*args, **kwargs)

    @classmethod
    def pubsub(cls) -> PubSub:
        """The backend of the application."""
        return backend_of(config)

    #: The channels that the client hears, in the order of its subscriptions.
    channels: Any = Shown("_tgsio_heard_channels")

    @property
    def _tgsio_heard_channels(self) -> list[str]:
        return list(self._tgsio_heard)

    def publish(self, channel: str, message: Any, on_commit: bool = False) -> None:
        """Send a message to all listeners of a channel, in every process.

        :param message: anything that can be written as JSON.
        :param on_commit: whether it is sent when the current transaction has committed,
            and not at all when that is rolled back. The message is written now.
        :raises TypeError: when the message cannot be written as JSON.
        :raises ValueError: when the name of the channel is invalid; a name that a
            client chose may be.
        :raises BackendError: when the broker does not accept the message within
            seconds.
        """
        channel, text = check_channel(channel), dumps(message)
        if on_commit:
            self._tgsio_on_commit(self._tgsio_publish, channel, text)
        else:
            self._tgsio_publish(channel, text)

    @carried
    def _tgsio_publish(self, channel: str, text: str) -> None:
        self._tgsio_channels().send(channel, text)

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
        self._tgsio_subscribe(channel, asked)
        return channel

    def _tgsio_not_available(self) -> bool:
        self.error("channel_not_available", _NOT_AVAILABLE)
        return False

    def _tgsio_is_too_many(self, asked: str) -> bool:
        """Whether the client would exceed ``max_channels``."""
        if self._tgsio_heard_as(asked):
            return False
        try:
            self.socket.account.check("max_channels", self._tgsio_number_heard())
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
        channels = [name] if name in heard else self._tgsio_heard_as(name)
        for channel in channels:
            self._tgsio_unsubscribe(channel)
        return bool(channels)

    @carried
    def unsubscribe(self, channel: str) -> None:
        """End the subscription of the client to a channel, if it has one."""
        self._tgsio_unsubscribe(channel)

    def _tgsio_unsubscribe(self, channel: str) -> None:
        asked = self._tgsio_heard.pop(channel, None)
        if asked is None:
            return
        self._tgsio_channels().unsubscribe(channel, self._tgsio_listener())
        method_name = self._tgsio_method_name("leave_", asked)
        if method_name is not None:
            # A connection may end outside of any event.
            self.socket.runner.run(self._tgsio_tell_left, method_name, channel)

    def _tgsio_tell_left(self, method_name: str, channel: str) -> None:
        method = getattr(self, method_name)
        handler: Any = self._tgsio_handlers.of(method_name, method)
        takes = handler.names or any(get_argspec(handler.named)[:2])
        self._tgsio_decorated(method)(*((channel,) if takes else ()))

    def _tgsio_begin_end(self) -> None:
        super()._tgsio_begin_end()
        # The client must not hear what its own `recv_disconnect` publishes.
        for channel in self._tgsio_heard:
            self._tgsio_channels().unsubscribe(channel, self._tgsio_listener())

    def kill_local_jobs(self) -> None:
        for channel in in_turns(list(self._tgsio_heard)):
            try:
                self._tgsio_unsubscribe(channel)
            except Interrupted:
                raise
            except FAILURES:
                log.exception("Leaving channel %r failed", channel)
        super().kill_local_jobs()

    @property
    def _tgsio_asked_channels(self) -> Mapping[str, str]:
        return self._tgsio_heard

    def _tgsio_hears_again(self, channels: Mapping[str, str]) -> bool:
        for asked in channels.values():
            method_name = self._tgsio_method_name("subscribe_", asked)
            if method_name is None or not self.is_method_allowed(method_name):
                log.info("A client may not hear channel %s again", escape(asked))
                return False
        for channel, asked in channels.items():
            self._tgsio_subscribe(channel, asked)
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
                self._tgsio_unsubscribe(channel)

    def _tgsio_denied(self, method_name: str) -> str | None:
        """Why a client that has subscribed may not do so any more; None if it may."""
        requirements = self._tgsio_requirements(method_name)
        try:
            if all_met(requirements, self._tgsio_event_environ):
                return None
            return self._tgsio_denial(method_name)
        except DENIALS as denial:  # a predicate has called `tg.abort`
            return str(denial)

    def _tgsio_heard_as(self, name: Any) -> list[str]:
        return [
            channel for channel, asked in self._tgsio_heard.items() if asked == name
        ]

    def _tgsio_number_heard(self) -> int:
        """The number of channels that the connection hears, in all its namespaces."""
        namespaces = {self, *self.socket.active_ns.values()}
        return sum(
            len(each._tgsio_heard)
            for each in namespaces
            if isinstance(each, PubSubTGNamespace)
        )

    def _tgsio_subscribe(self, channel: str, asked: str) -> None:
        if channel in self._tgsio_heard:
            return
        if self._tgsio_is_over():
            log.debug("Not subscribed: the client has left %s", self.ns_name or "/")
            return
        self.socket.account.check("max_channels", self._tgsio_number_heard())
        self._tgsio_heard[channel] = asked
        try:
            self._tgsio_channels().subscribe(channel, self._tgsio_listener())
        except BaseException:
            self._tgsio_heard.pop(channel, None)
            raise
        name = self._tgsio_method_name("subscribe_", asked)
        if name is not None and self._tgsio_requirements(name):
            self._tgsio_listen()
        if self._tgsio_candidate is not None:
            # A client that is refused keeps no subscription.
            self._tgsio_candidate.undoes(partial(self._tgsio_unsubscribe, channel))

    def _tgsio_channels(self) -> Channels:
        # Kept because subscriptions may end outside of a request, without `config`.
        if self._tgsio_process_channels is None:
            runner = self.socket.runner
            known = runner.config if isinstance(runner, Runner) else config
            self._tgsio_process_channels = channels_of(known)
        return self._tgsio_process_channels

    def _tgsio_listener(self) -> Listener:
        named = self.pubblication_channel is True
        return Listener(self.socket, self.ns_name, named, self)

    def _tgsio_method_name(self, prefix: str, channel: Any) -> str | None:
        """The method for a channel that a client names; None if it does not exist."""
        if not isinstance(channel, str) or CHANNEL_NAME.fullmatch(channel) is None:
            return None
        name = prefix + channel.translate(_TO_UNDERSCORE)
        return name if callable(getattr(self, name, None)) else None

    def _tgsio_ask(self, method_name: str, packet: Packet) -> tuple[bool, Any]:
        """Call a method as an event does, with ``@require`` and ``@validate``.

        :returns: whether the method was called and has returned, and what the call
            returned. It is not called when the client is denied, or the arguments are
            invalid.
        """
        asked = self._tgsio_asked = _Asked(getattr(self, method_name))
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
