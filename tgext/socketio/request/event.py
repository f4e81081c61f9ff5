"""The TurboGears context of one event, or of a job.

The request that opened a connection has ended when its events come. Each event has a
``tg.request``, ``tg.response``, ``tg.tmpl_context`` and ``tg.session`` of its own;
:mod:`~tgext.socketio.request.runner` runs it. A job of ``spawn`` has such a context,
too; see :mod:`~tgext.socketio.request.jobs`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, MutableMapping, Sequence
from io import BytesIO
from operator import attrgetter
from typing import Any

from crank.dispatchstate import DispatchState
from tg.caching import cached_property
from tg.request_local import Request, Response
from tg.validation import _ValidationStatus
from tg.wsgiapp import AttribSafeTemplateContext, TemplateContext

from ..engine.session.environ import environ_for
from ..wire.socketio.packet import Packet
from .activity import is_activity
from .calls import HANDLER
from .connection import Connection
from .failures import forget_frames
from .widgets import state_with


class EventState(DispatchState):
    """``request.dispatch_state`` of an event, to which no dispatch has led.

    The path and the controllers are those of the request that opened the connection.

    :param request: of the event; a weak proxy, since the request refers to its state.
    """

    def __init__(self, request: Any) -> None:
        connection = request.environ["tg.locals"].connection
        [(_, root), *below] = connection.controllers or (("/", None),)
        path = connection.environ.get("PATH_INFO", "").split("/")
        super().__init__(request, root, {}, path, strip_extension=False)
        for location, each in below:
            self.add_controller(location, each)
        # 0.9 clients have further parts in their path.
        self.set_path(self.path[: len(below)])
        self.set_action(None, [])

    @property
    def controller(self) -> Any:
        """The namespace of the event, or else the controller of the connection."""
        handler = self._handler
        if handler is not None:
            return handler[0]
        event = self.request.environ["tg.locals"]
        active = event.connection.socket.active_ns
        namespace = event.packet and active.get(event.packet["endpoint"])
        return namespace or super().controller

    @property
    def action(self) -> Any:
        """The method that handles the event, if it is called as a page's method is."""
        return self._handler and self._handler[1]

    @property
    def _handler(self) -> tuple[Any, Any] | None:
        handler: tuple[Any, Any] | None = self.request.__dict__.get(HANDLER)
        return handler


class EventRequest(Request):
    """``tg.request`` of an event."""

    #: The extension of the URL: an event has none.
    _response_ext = None

    @cached_property
    def _dispatch_state(self) -> EventState:
        return EventState(weakref.proxy(self))

    @property
    def controller_url(self) -> str:
        """The path of the controller without slashes around it, as for a page."""
        return "/".join(self.dispatch_state.path)


class _Member:
    """A member of an event that is made when it is first read.

    In Python 3.11, a class with ``__getattr__`` makes each reading of an attribute five
    times slower, and ``functools.cached_property`` takes a lock.
    """

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, event: Any, owner: type | None = None) -> Any:
        value = self._make(event)
        setattr(event, self._name, value)
        return value


def _make_environ(event: Event) -> dict[str, Any]:
    connection = event.connection
    environ = dict(connection.environ)
    environ["wsgi.input"] = BytesIO()
    environ["tg.locals"] = event
    if event.packet is not None:
        # A client may connect to a namespace with a query.
        own = environ_for(environ["socketio"], event.packet)
        environ["QUERY_STRING"] = own.get("QUERY_STRING", "")
    if connection.attributes:
        environ["webob.adhoc_attrs"] = dict(connection.attributes)
    lookup, middleware = connection.lookup, connection.application.event_middleware
    if middleware:
        lookup.pass_through(middleware, environ)
    if not event.recalls:
        lookup.identify(environ, is_activity(event.packet))
    event.has_environ = True
    return environ


def _make_request(event: Event) -> Request:
    request = EventRequest(event.environ)
    for name, value in (
        ("_language", event.connection.language),
        ("_response_type", None),
        ("_decode_json_params", False),
        ("validation", _ValidationStatus()),
    ):
        request._fast_setattr(name, value)
    return request


def _make_response(event: Event) -> Response:
    options = event.config.get(
        "tg.response_options", Response._DEFAULT_RESPONSE_OPTIONS
    )
    return Response(
        content_type=options["content_type"],
        charset=options["charset"],
        headers=options["headers"],
    )


def _make_tmpl_context(event: Event) -> TemplateContext:
    if event.config["tg.strict_tmpl_context"]:
        return TemplateContext()
    return AttribSafeTemplateContext()


def _make_translator(event: Event) -> Any:
    if event.find_translator is None:
        return event.connection.translator
    return event.find_translator(event)


def _make_widgets(event: Event) -> dict[str, Any]:
    return state_with(event.connection.widgets)


class Event:
    """What ``tg.request`` and the other proxies of TurboGears show during an event.

    Its members are made when they are first read: most events read few of them.

    :ivar connection: what the event inherits from the opening request.
    :ivar packet: what the client sent; None when no packet led to the event, as
        for the callback of an ack that did not come in time.
    :ivar environ: the WSGI environment of ``tg.request``.
    :ivar has_environ: whether there is one.
    :ivar recalls: whether the event uses the user that an earlier event looked up.
    :ivar at_success: functions to call, each with its arguments, when the event has
        succeeded. ``on_commit`` adds them when there is no transaction.
    """

    __slots__ = ("__dict__", "connection", "packet")

    # What few events change is of the class: each attribute that is set for every event
    # takes time.
    recalls: bool = False
    has_environ: bool = False
    at_success: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]] = ()

    #: Finds the translator, where the application chooses one for each event.
    find_translator: Callable[[Event], Any] | None = None

    #: The environment under which a slow event is reported, while it is watched.
    watched: dict[str, Any] | None = None

    def __init__(self, connection: Connection, packet: Packet | None) -> None:
        self.connection = connection
        self.packet = packet

    @property
    def config(self) -> MutableMapping[str, Any]:
        """The application's configuration."""
        config: MutableMapping[str, Any] = self.connection.config
        return config

    @property
    def has_transaction(self) -> bool:
        """Whether TurboGears' transaction manager runs a transaction around it."""
        return self.connection.application.wrappers.transactions

    environ = _Member(_make_environ)
    request = _Member(_make_request)
    response = _Member(_make_response)
    tmpl_context = _Member(_make_tmpl_context)
    app_globals = _Member(attrgetter("connection.app_globals"))
    cache = _Member(attrgetter("connection.cache"))
    session = _Member(attrgetter("connection.session"))
    translator = _Member(_make_translator)
    widgets = _Member(_make_widgets)

    def when_it_succeeds(
        self, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        """Call a function at the end of the event, unless the event fails."""
        self.at_success = (*self.at_success, (function, args))

    def make_environ(self) -> None:
        """Make the environment before anything reads it."""
        self.has_environ = self.environ is not None

    def forget_request(self) -> None:
        """Break the cycles of references between the event, its environ and request.

        Both, and what the client sent, would stay in memory until the garbage collector
        runs. The number of objects starts it, not their size. TurboGears breaks the
        cycle of a page in the same way.
        """
        self.environ.pop("tg.locals", None)
        request = self.__dict__.get("request")
        if request is not None and request.validation.exception is not None:
            forget_frames(request.validation.exception)


def _make_environ_of_nobody(job: Job) -> dict[str, Any]:
    environ = _make_environ(job)
    job.connection.lookup.forget(environ)
    return environ


class Job(Event):
    """What the proxies of TurboGears show during a job.

    It has the application's configuration, globals and translator. Its ``tg.request``
    has the URL and the headers of the connection, and no user: only an event looks the
    user up.

    :ivar awaited: the transaction for whose commit a function waits, if there is one.
    """

    __slots__ = ("awaited",)

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, None)
        self.recalls = True  # no look-up
        self.awaited: Any = None

    @property
    def has_transaction(self) -> bool:
        """False: a job begins its transactions itself."""
        return False

    environ = _Member(_make_environ_of_nobody)
