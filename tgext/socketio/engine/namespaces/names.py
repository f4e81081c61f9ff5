"""The names of this package in namespaces, which give way to those of an application.

Code for gevent-socketio names its attributes and methods as it likes. A namespace has
gevent-socketio's names, those of :data:`API`, and names that begin with ``_tgsio_``. An
application may use a name of :data:`API` for something else: the package itself does
not depend on what it finds there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dis import get_instructions
from inspect import unwrap
from types import CodeType
from typing import Any, ClassVar

from ..recovery.recoverable import Recoverable

#: The names that gevent-socketio and tgext.socketio 0.0.3 do not have.
API = (
    "auth",
    "authorize_connect",
    "broadcast_event_not_me_on_commit",
    "broadcast_event_on_commit",
    "call",
    "channels",
    "disconnect_reason",
    "drain",
    "emit_on_commit",
    "emit_to_room_on_commit",
    "history",
    "history_ttl",
    "id",
    "on_resume",
    "on_unsubscribe",
    "presence_info",
    "presence_key",
    "presence_linger",
    "present",
    "pubblication_channel",
    "pubblication_position",
    "recovered",
    "recovery",
    "rewind",
    "room",
    "rooms",
    "run_in_app",
    "socket_by_id",
    "track",
    "unallowed_event_name_error",
    "unsubscribe",
    "untrack",
    "user",
)

_PACKAGE = __name__.partition(".engine.")[0] + "."


class Shown:
    """Shows an attribute under another name, which an application may assign to.

    :param name: the name of the attribute.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, namespace: Any, cls: type) -> Any:
        return self if namespace is None else getattr(namespace, self._name)


#: Names that applications give to attributes which they set when it is time, and ask
#: for before: ``getattr(self, 'user', None)``.
COMMON = frozenset(("auth", "channels", "id", "room", "rooms", "user"))


class Missing:
    """Hides a name of ours from an application that assigns it to ``self``.

    Until then the attribute is missing, as with gevent-socketio.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, namespace: Any, cls: type) -> Any:
        if namespace is None:
            return self
        text = f"{cls.__name__!r} object has no attribute {self._name!r}"
        raise AttributeError(text, name=self._name, obj=namespace)


def _assigned(function: Any) -> set[str]:
    """The names of :data:`COMMON` that a method assigns to its object."""
    try:
        code = getattr(unwrap(function), "__code__", None)
    except Exception:
        return set()  # an object of the application, which raises when it is asked
    if not isinstance(code, CodeType) or not code.co_argcount:
        return set()
    if COMMON.isdisjoint(code.co_names):
        return set()
    found, before = set(), None
    for each in get_instructions(code):
        if each.opname == "STORE_ATTR" and before is not None:
            loaded = before.argval
            last = loaded[-1] if isinstance(loaded, tuple) else loaded
            if "LOAD_" in before.opname and last == code.co_varnames[0]:
                found.add(each.argval)
        before = each
    return found & COMMON


def give_way(cls: type) -> None:
    """Let a class have names of :data:`API` from mixins that come later in the MRO.

    Those that its methods assign are missing until they do.
    """
    theirs = [each for each in cls.__mro__ if not _is_own(each)]
    functions = [value for each in theirs for value in list(vars(each).values())]
    for name in {name for function in functions for name in _assigned(function)}:
        found = _defining(cls, name)
        if found and _is_own(found[0]):
            setattr(cls, name, Missing(name))
    for name in API:
        found = _defining(cls, name)
        theirs = [each for each in found if not _is_own(each)]
        if theirs and _is_own(found[0]):
            setattr(cls, name, vars(theirs[0])[name])


def _defining(cls: type, name: str) -> list[type]:
    """The classes of the MRO that define a name."""
    return [each for each in cls.__mro__ if name in vars(each)]


def _is_own(cls: type) -> bool:
    return cls.__module__.startswith(_PACKAGE)


class OwnNames:
    """The part of a namespace that gevent-socketio's does not have.

    :ivar auth: the auth payload with which a 3.x or 4.x client connected, or None.
    :ivar disconnect_reason: in Socket.IO's words; None until the namespace ends.
    :ivar recovered: whether the client was away, and has got what it missed.
    """

    auth: Any = Shown("_tgsio_auth")
    disconnect_reason: Any = Shown("_tgsio_reason")
    #: Whether clients 4.6 and later recover: what they miss while they are away reaches
    #: them when they are back.
    recovery: Any = False
    recovered: Any = Shown("_tgsio_recovered")

    _tgsio_auth: Any = None
    _tgsio_reason: str | None = None
    #: When the log was told that the client is here; 0 if it was not.
    _tgsio_entered: float = 0.0
    #: The session that the client can recover, in a class with ``recovery = True``.
    _tgsio_recovery: Recoverable | None = None
    _tgsio_recovers: ClassVar = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        give_way(cls)
        cls._tgsio_recovers = cls.recovery is True

    @property
    def _tgsio_recovered(self) -> bool:
        session = self._tgsio_recovery
        return session is not None and session.recovered

    @property
    def _tgsio_asked_channels(self) -> Mapping[str, str]:
        """The channels that the client hears, each with the name it asked for."""
        return {}

    def _tgsio_hears_again(self, channels: Mapping[str, str]) -> bool:
        """Subscribe a client that is back.

        :returns: whether it may hear all of the channels still.
        """
        return not channels

    @property
    def _tgsio_channel_form(self) -> tuple[bool, bool]:
        """Whether the events of channels carry the channel, and the position."""
        return (False, False)

    @property
    def _tgsio_is_subscribing(self) -> bool:
        """Whether a subscription of the client has begun, and is not complete."""
        return False

    def _tgsio_keep_channels(self) -> Callable[[], object]:
        """Let the process hear the channels of the client, which goes.

        :returns: a function that ends it.
        """
        return lambda: None

    def authorize_connect(self) -> None:
        """Override it to refuse a client before ``initialize`` runs.

        :raises ConnectionRefused: to refuse it.
        """

    def _tgsio_on_commit(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function when what the event has changed is committed.

        A framework with transactions overrides this.
        """
        function(*args)

    def _tgsio_authorize(self) -> None:
        if callable(self.authorize_connect):
            self.authorize_connect()
