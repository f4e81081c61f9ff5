"""The namespace of administrators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from tg import config, require

from ...engine.hub.hub import Hub
from ...engine.hub.rooms import Rooms
from ...engine.logs import get_logger
from ...engine.namespaces.errors import EventRefused
from ...engine.namespaces.events import event
from ...namespace import SocketIOTGNamespace
from ...wire.escape import escape
from ...wire.socketio.reasons import SLOW_CONSUMER
from .administration import Administration, Plan, administration_of
from .commands import Commands
from .feed import PATIENCE, Feed

log = get_logger(__name__)

#: The names of the UI's functions: what is always there, what shows sockets, and what
#: acts on them.
_ALWAYS: Final = ("AGGREGATED_EVENTS",)
_SHOWING: Final = ("ALL_EVENTS",)
_ACTING: Final = (
    *("EMIT", "JOIN", "LEAVE", "DISCONNECT"),
    *("MJOIN", "MLEAVE", "MDISCONNECT"),
)

MODES: Final = ("development", "production")


class AdminNamespace(SocketIOTGNamespace):
    """Shows the sockets of a controller to administrators, and lets them act on these.

    It speaks to Socket.IO Admin UI. Subclass it, with a predicate, and mount the class
    as any other, by custom as ``admin``::

        class Admin(AdminNamespace):
            allow_only = has_permission("manage")

    :raises TypeError: when a subclass has no predicate, or an attribute is invalid.
    """

    #: The predicate that administrators meet, asked again for each thing they do.
    allow_only: Any = None

    #: Whether they can only look.
    readonly: ClassVar[bool] = False

    #: ``'development'`` shows sockets, their rooms and their events; ``'production'``
    #: only how many there are.
    mode: ClassVar[str] = "development"

    #: How many sockets are shown, and how many events of each second and process.
    max_sockets: ClassVar[int] = 1000
    max_events: ClassVar[int] = 100

    _tgsio_administration: Administration | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._tgsio_check_class()

    @classmethod
    def _tgsio_check_class(cls) -> None:
        predicate = cls.allow_only
        if isinstance(predicate, require):
            predicate = predicate.predicate
        if not callable(getattr(predicate, "check_authorization", None)):
            raise TypeError(
                f"{cls.__qualname__}.allow_only is {cls.allow_only!r}: who connects "
                "sees and disconnects everybody. Give a predicate of TurboGears, such "
                "as has_permission('manage'), in a subclass of AdminNamespace"
            )
        if cls.mode not in MODES:
            text = f"{cls.__qualname__}.mode is {cls.mode!r}: use one of"
            raise TypeError(f"{text} {', '.join(MODES)}")
        for name in ("max_sockets", "max_events"):
            value = getattr(cls, name)
            if type(value) is not int or value < 0:
                text = f"{cls.__qualname__}.{name} is {value!r}: give a number"
                raise TypeError(f"{text} that is not negative")

    @classmethod
    def _tgsio_serve(
        cls, endpoint: str, rooms: Rooms, hub: Hub, settings: Mapping[str, Any]
    ) -> None:
        administration_of(cls._tgsio_plan(), endpoint, rooms, hub, settings)

    @classmethod
    def _tgsio_plan(cls) -> Plan:
        shows = cls.mode == "development"
        return Plan(shows, cls.max_sockets, cls.max_events)

    def initialize(self) -> None:
        self._tgsio_check_class()

    def recv_connect(self) -> None:
        rooms, hub = self.socket._tgsio_rooms, self.socket.hub
        plan = self._tgsio_plan()
        features = [*_ALWAYS, *(_SHOWING if plan.shows_sockets else ())]
        if not self.readonly:
            features += _ACTING
        self.emit("config", {"supportedFeatures": features})
        self._tgsio_administration = administration_of(
            plan, self.ns_name, rooms, hub, config
        )
        if self._tgsio_candidate is None:  # a test calls it
            self._tgsio_begin()
        else:
            self._tgsio_candidate.when_admitted(self._tgsio_begin)

    def _tgsio_begin(self) -> None:
        if self._tgsio_administration is not None:
            self.spawn(self._tgsio_tell, self._tgsio_administration.console.add(self))

    def _tgsio_tell(self, feed: Feed) -> None:
        socket: Any = self.socket
        feed.run()
        if not socket.ended:
            log.warning(
                "Disconnected administrator %s, who did not read what was sent within "
                "%g seconds",
                escape(socket._tgsio_user),
                PATIENCE,
            )
            socket.kill(reason=SLOW_CONSUMER)

    def _tgsio_begin_end(self) -> None:
        if self._tgsio_administration is not None:
            self._tgsio_administration.console.discard(self)
        super()._tgsio_begin_end()

    # What administrators do

    def on_join(self, nsp: str, room: Any, only: Any = None) -> None:
        self._tgsio_do("join", nsp, only, room)

    def on_leave(self, nsp: str, room: Any, only: Any = None) -> None:
        self._tgsio_do("leave", nsp, only, room)

    def on_emit(self, nsp: str, only: Any, name: str, *args: Any) -> None:
        self._tgsio_do("emit", nsp, only, name, args)

    @event("_disconnect")
    def on__disconnect(self, nsp: str, close: bool = False, only: Any = None) -> None:
        self._tgsio_do("disconnect", nsp, only, bool(close))

    def _tgsio_do(self, what: str, nsp: str, only: Any, *args: Any) -> None:
        told = escape(self.socket._tgsio_user), what, escape(nsp), escape(only)
        if self.readonly:
            log.info("Administrator %s may only look: %s in %s of %s refused", *told)
            text = "These administrators can only look: readonly is set"
            raise EventRefused("method_access_denied", text)
        log.info("Administrator %s: %s in %s of %s", *told)
        commands = Commands(self.socket._tgsio_rooms)
        do: Callable[..., None] = getattr(commands, what)
        try:
            do(nsp, only, *args)
        except (TypeError, ValueError) as error:
            raise EventRefused("invalid_method_args", str(error)) from error
