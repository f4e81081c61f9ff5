"""The subscriptions of one client in one of its namespaces, and who decides on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any, Final, NamedTuple, Protocol
from weakref import ref

from tg import config

from ..engine.logs import get_logger
from ..engine.namespaces.client import Client
from ..request.runner import Runner
from .channels import Channels, Listener, Reader, channels_of
from .histories import at_least, keep_of
from .log import CARRIED, Keep, Log, Position, Replay

log = get_logger(__name__)


#: The names that clients may ask for: each names a method of the namespace.
CHANNEL_NAME: Final = re.compile(r"[A-Za-z0-9 _.:-]+")

_TO_UNDERSCORE: Final = str.maketrans(" .:-", "____")


def method_name(prefix: str, channel: Any) -> str | None:
    """The name of the method for a channel; None if the channel's name has none."""
    if not isinstance(channel, str) or CHANNEL_NAME.fullmatch(channel) is None:
        return None
    return prefix + channel.translate(_TO_UNDERSCORE)


class Asked:
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


class Wanted(NamedTuple):
    """What a namespace class asks for.

    :param named: whether events carry the channel.
    :param positioned: whether they carry the position.
    :param keep: the history of its channels; None for none.
    :param rewind: the number of messages that a new subscriber is sent.
    """

    named: bool
    positioned: bool
    keep: Keep | None
    rewind: int


class Owner(Protocol):
    """The namespace object."""

    socket: Any
    ns_name: str
    _tgsio_candidate: Any
    _tgsio_recovery: Any

    def _tgsio_is_over(self) -> bool:
        """Whether the client has left the namespace."""

    def _tgsio_tell_left(self, channel: str, asked: str) -> None:
        """Called when a subscription has ended.

        :param asked: the name that the client asked for.
        """


def wanted_by(cls: type) -> Wanted:
    """What a class asks for. Its attributes may be names of the application's."""
    rewind = getattr(cls, "rewind", 0)
    return Wanted(
        getattr(cls, "pubblication_channel", False) is True,
        getattr(cls, "pubblication_position", False) is True,
        keep_of(getattr(cls, "history", 0), getattr(cls, "history_ttl", 0)),
        rewind if type(rewind) is int and rewind > 0 else 0,
    )


def latest(channel: str, count: int) -> Reader:
    """Reads the latest messages of a channel."""

    def read(log: Log) -> Replay:
        return log.latest(channel, count)

    return read


def all_kept(channel: str, count: int) -> Reader:
    """Reads the messages that are kept of a channel, for who knows no position.

    :param count: how many its namespace keeps; the log may have more.
    """

    def read(log: Log) -> Replay:
        return log.latest(channel, count)._replace(complete=False)

    return read


def after(channel: str, position: Position) -> Reader:
    """Reads the messages of a channel after a position."""

    def read(log: Log) -> Replay:
        return log.read([channel], position)

    return read


class Subscriptions:
    """The channels that a client hears.

    :param owner: the namespace object, which keeps this.

    :ivar heard: maps each channel to the name that the client asked for, in the order
        of the subscriptions.
    """

    def __init__(self, owner: Owner) -> None:
        self.heard: dict[str, str] = {}
        # Both would wait for the garbage collector if they kept each other.
        self._owner_ref = ref(owner)
        self._known: Channels | None = None
        #: Calls of :meth:`add` that have not returned.
        self._adding = 0

    @property
    def _owner(self) -> Owner:
        owner = self._owner_ref()
        assert owner is not None
        return owner

    @property
    def channels(self) -> Channels:
        """The channels of the process."""
        # Kept because subscriptions may end outside of a request, without `config`.
        if self._known is None:
            runner = self._owner.socket.runner
            settings: Mapping[str, Any] = (
                runner.config if isinstance(runner, Runner) else config
            )
            self._known = channels_of(settings)
        return self._known

    @property
    def _listener(self) -> Listener:
        owner = self._owner
        socket: Client = owner.socket
        wanted = wanted_by(type(owner))
        journal = None
        if owner._tgsio_recovery is not None:
            journal = socket._tgsio_rooms.journals[owner.ns_name]
        form = wanted.named, owner, wanted.positioned
        return Listener(socket, owner.ns_name, *form, self.keep, journal)

    @property
    def keep(self) -> Keep | None:
        """The history that is kept of its channels; None for none."""
        cls = type(self._owner)
        keep = wanted_by(cls).keep
        if (
            getattr(cls, "_tgsio_recovers", False)
            and self.channels.histories.are_shared
        ):
            return at_least(keep, CARRIED)
        return keep

    @property
    def form(self) -> tuple[bool, bool]:
        """Whether events carry the channel, and the position."""
        wanted = wanted_by(type(self._owner))
        return wanted.named, wanted.positioned

    @property
    def is_adding(self) -> bool:
        """Whether a subscription has begun, and is not complete."""
        return self._adding > 0

    @property
    def number(self) -> int:
        """How many channels the connection hears, in all its namespaces."""
        namespaces = {self._owner, *self._owner.socket.active_ns.values()}
        return sum(len(getattr(each, "_tgsio_heard", ())) for each in namespaces)

    def heard_as(self, name: Any) -> list[str]:
        """The channels that the client hears for a name that it asked for."""
        return [channel for channel, asked in self.heard.items() if asked == name]

    def add(
        self,
        channel: str,
        asked: str,
        since: Position | None = None,
        is_back: bool = False,
    ) -> bool:
        """Subscribe the client.

        :param asked: the name that the client asked for.
        :param since: a position; messages after it are sent first. Without one, a new
            subscriber is sent the latest messages, as its class says.
        :param is_back: whether the client recovers the subscription, and what it missed
            with it.
        :returns: whether it was sent all messages after ``since``.
        :raises LimitExceeded: when it would exceed ``max_channels``.
        :raises BackendError: when the backend cannot subscribe.
        """
        owner = self._owner
        is_new = channel not in self.heard
        if not is_new and since is None:
            return False
        if owner._tgsio_is_over():
            log.debug("Not subscribed: the client has left %s", owner.ns_name or "/")
            return False
        if is_new:
            owner.socket.account.check("max_channels", self.number)
        self.heard.setdefault(channel, asked)
        self._adding += 1
        try:
            earlier = None if is_back else self._earlier(channel, since)
            complete = self.channels.subscribe(channel, self._listener, earlier)
        except BaseException:
            self.heard.pop(channel, None)
            raise
        finally:
            self._adding -= 1
        if is_new and owner._tgsio_candidate is not None:
            # A client that is refused keeps no subscription.
            owner._tgsio_candidate.undoes(partial(self.end, channel))
        return complete

    def _earlier(self, channel: str, since: Position | None) -> Reader | None:
        wanted = wanted_by(type(self._owner))
        if wanted.keep is None:
            return None
        if since is not None and not since.epoch:
            return all_kept(channel, wanted.keep.most)
        if since is not None:
            return after(channel, since)
        return latest(channel, wanted.rewind) if wanted.rewind else None

    def end(self, channel: str) -> None:
        """End a subscription, if there is one."""
        asked = self.heard.pop(channel, None)
        if asked is not None:
            self.channels.unsubscribe(channel, self._listener)
            self._owner._tgsio_tell_left(channel, asked)

    def hear_on(self) -> Callable[[], None]:
        """Let the process hear the channels of a client that goes, and may be back.

        :returns: a function that ends it.
        """
        audience = self._listener.audience
        releases = [self.channels.keep(each, audience) for each in self.heard]

        def release() -> None:
            for each in releases:
                each()

        return release

    def forget(self) -> None:
        """End all subscriptions. The namespace is not told: the client was not in."""
        self.stop_hearing()
        self.heard.clear()

    def stop_hearing(self) -> None:
        """Send the client nothing more; its subscriptions end later."""
        for channel in self.heard:
            self.channels.unsubscribe(channel, self._listener)
