"""The controller that Socket.IO connections go through."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from functools import partial
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from tg import TGController, abort, expose, request, request_local

from .engine import socketio_manage
from .engine.http.refusals import log_refusal
from .engine.hub.hub import Hub
from .engine.hub.rooms import Rooms
from .engine.logs import get_logger
from .engine.namespaces.base import BaseNamespace
from .engine.namespaces.foreign import adapt, is_foreign
from .engine.server.astray import RESOURCES, is_handshake, without_session
from .handle import NamespaceHandle
from .hidden import warn_of_hidden
from .messaging.cluster import join_cluster
from .messaging.recovery.journals import carriers_of, let_recover
from .namespace import SocketIOTGNamespace
from .request.application import Application
from .request.guards import requirements_of
from .request.jsonify import dumps
from .request.traced import runner_of
from .testing import posted
from .wire.escape import escape
from .workers.possible import warn_if_alone

__all__ = ["SocketIOController"]

#: The attribute that holds the main namespace.
MAIN = "global_namespace"

#: For the log, about a request below a controller that is neither a page nor a socket.
NEITHER = (
    "it is neither a page nor a request of a Socket.IO client; list this path in "
    "socketio_resource, and set the client's path (0.9: resource) to it"
)

#: Likewise, about a client whose path is that of the controller.
ELSEWHERE = (
    "it is a Socket.IO client, and socketio_resource is {}; list this path in "
    "socketio_resource, and set the client's path (0.9: resource) to it"
)

#: For the log, about a server that is not that of this package.
OTHER_SERVER = (
    "This server (%s) does not serve Socket.IO, and its clients are answered 400. Set "
    "use = egg:tgext.socketio#socketio in [server:main], and start with gearbox serve"
)

log = get_logger(__name__)

#: Those that the log has a warning of.
_other_servers: set[str] = set()


class SocketIOController(TGController):
    """A controller whose namespace classes are served by Socket.IO.

    An attribute that is a namespace class is mounted at ``/<attribute>``; the one named
    ``global_namespace`` is the main namespace, ``/``. Otherwise it is an ordinary
    controller: exposed methods are pages, and ``allow_only`` guards it.

    Mount it at the path that the server's option ``socketio_resource`` names.
    """

    #: A predicate, or a ``require`` with one. A client that does not meet it, or that
    #: of a controller above this one, can neither connect nor send events.
    allow_only: Any = None

    #: The rooms of this process that clients have connected to through the class, with
    #: the ids of the configurations of their applications.
    _tgsio_rooms: ClassVar[WeakKeyDictionary[Rooms, int]] = WeakKeyDictionary()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._tgsio_rooms = WeakKeyDictionary()

    @classmethod
    def namespace(
        cls, name: str, settings: Mapping[str, Any] | None = None
    ) -> NamespaceHandle:
        """A namespace, to send events to its clients from a page or a job.

        Called on a subclass, it reaches the clients of that controller; called on
        ``SocketIOController`` itself, those of all controllers. In a page, an event or
        a job of one of several applications, it reaches the clients of that
        application alone.

        :param name: the name of the namespace, ``'/chat'``; ``'/'`` for the main one.
        :param settings: the configuration of the servers, for a process without one,
            such as a script, a Celery worker or a cron job. Events go over the broker
            of the ``anypubsub.`` options; ``socketio.cluster`` has to be true, as it is
            for the servers. By default it is that of the application.
        :raises ValueError: when there is no namespace of this name. With ``settings``,
            ``SocketIOController`` itself does not check it: the process may not know
            the controllers.
        """
        endpoint = f"/{name.strip('/')}".rstrip("/")
        everywhere = cls is SocketIOController
        if not (everywhere and settings is not None):
            mounted = _namespaces_of_all() if everywhere else _namespaces_of(cls)
            if endpoint not in mounted:
                who = "No controller of this process" if everywhere else cls.__name__
                there = ", ".join(each or "/" for each in mounted) or "none"
                has = "there are" if everywhere else "it has"
                verb = "has a" if everywhere else "has no"
                raise ValueError(f"{who} {verb} namespace {name!r}; {has} {there}")
        names = _names_of(cls)
        return NamespaceHandle(endpoint, cls._tgsio_rooms, names, settings)

    @classmethod
    def _tgsio_clients(cls) -> dict[str, list[Any]]:
        """The sockets of the running application in each namespace of this process."""
        owner = id(request_local.context._current_obj().config)
        found: dict[str, list[Any]] = {}
        for rooms in [each for each, of in cls._tgsio_rooms.items() if of == owner]:
            for endpoint in rooms.endpoints():
                found.setdefault(endpoint, []).extend(rooms.members(endpoint))
        return found

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self._tgsio_namespaces = Mounted(type(self))
        warn_of_hidden(type(self), lambda value: _as_namespace(value) is not None)
        self._tgsio_applications: dict[int, Application] = {}

    def _dispatch(self, state: Any, remainder: list[str]) -> Any:
        environ = request.environ
        if "socketio" not in environ and not (
            # A client that a page `index` must not swallow: it is told why.
            not any(remainder)
            and is_handshake(environ["PATH_INFO"], environ.get("QUERY_STRING", ""))
        ):
            return super()._dispatch(state, remainder)
        # The handshakes of the generations have different paths. None of them may be
        # taken for a page of the controller.
        self._enter_controller(state, remainder)
        state.set_action(self._default, [part for part in remainder if part])
        return state

    @expose()
    def _default(self, *args: Any, **kwargs: Any) -> str | bytes:
        opening = request._current_obj()
        environ = opening.environ
        if "socketio" not in environ:
            path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
            log_refusal(environ, without_session(path), "400", _why_not(environ))
            abort(400)
        if posted.MARK in environ:
            name = "/" + args[0] if args else ""
            namespaces = self._tgsio_namespaces
            if not posted.process_posted_packet(namespaces, name, opening):
                abort(400)
            return "done"
        context = request_local.context._current_obj()
        socket = environ["socketio"]
        # Those of this controller in this application: a server may have several.
        owner = id(context.config)
        rooms = socket.hub.rooms_of((type(self), owner))
        rooms.name = _name_of(type(self))
        carriers = partial(carriers_of, self._tgsio_namespaces, context.config)
        join_cluster(rooms, context.config, rooms.name, carriers)
        let_recover(rooms, socket.hub, self._tgsio_namespaces, context.config)
        application = self._tgsio_application(context.config)
        above = (each for _, each in opening.dispatch_state.controller_path)
        requirements = requirements_of(above)
        # First of all: with a runner, the answer decides about the connection.
        socket.runner = runner_of(environ, context, application, requirements, rooms)
        socketio_manage(environ, self._tgsio_namespaces, opening, json_dumps=dumps)
        self._tgsio_remember(rooms, owner, socket.hub, context.config)
        # Bytes: for a text, TurboGears would look up the charset.
        return b"done"

    def _tgsio_remember(
        self, rooms: Rooms, owner: int, hub: Hub, settings: Mapping[str, Any]
    ) -> None:
        if self._tgsio_rooms.get(rooms) == owner:
            return  # not the first client
        warn_if_alone(request.environ, settings)
        rooms.mounted = tuple(self._tgsio_namespaces)
        for endpoint, each in self._tgsio_namespaces.items():
            if issubclass(each, SocketIOTGNamespace):
                each._tgsio_serve(endpoint, rooms, hub, settings)
        for cls in type(self).__mro__:
            if issubclass(cls, SocketIOController):
                cls._tgsio_rooms[rooms] = owner

    def _tgsio_application(self, config: MutableMapping[str, Any]) -> Application:
        # One controller may be mounted in several applications; tests do so.
        application = self._tgsio_applications.get(id(config))
        if application is None:
            application = self._tgsio_applications[id(config)] = Application(config)
        return application


def _why_not(environ: Mapping[str, Any]) -> str:
    """Why a request below a controller opens no connection; for the log."""
    if not is_handshake(environ["PATH_INFO"], environ.get("QUERY_STRING", "")):
        return NEITHER
    resources = environ.get(RESOURCES)
    if resources is not None:
        return ELSEWHERE.format(", ".join(resources))
    software = escape(environ.get("SERVER_SOFTWARE", "unknown"))
    if software not in _other_servers:
        _other_servers.add(software)
        log.warning(OTHER_SERVER, software)
    return "this server does not serve Socket.IO"


def _names_of(cls: type[SocketIOController]) -> list[str]:
    """A class and its subclasses, by the names that all processes have for them."""
    if cls is SocketIOController:
        return [""]
    below = [name for each in cls.__subclasses__() for name in _names_of(each)]
    return list(dict.fromkeys([_name_of(cls), *below]))


def _name_of(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


class Mounted(dict[str, type[BaseNamespace]]):
    """The namespaces of a controller by name.

    A plug, or a function that runs when the application starts, may set a namespace on
    the class after the controller was made. It is added when a client asks for it.

    :param cls: the class of the controller.
    :raises TypeError: when a namespace needs something that its class does not say.
    """

    def __init__(self, cls: type) -> None:
        super().__init__(_namespaces_of(cls))
        self._cls = cls
        for each in self.values():
            if issubclass(each, SocketIOTGNamespace):
                each._tgsio_check_class()

    def __contains__(self, endpoint: object) -> bool:
        name = MAIN if endpoint == "" else str(endpoint)[1:]
        if endpoint != _endpoint_of(name):
            return False
        found = _as_namespace(getattr(self._cls, name, None))
        if found is None:
            return False
        self[_endpoint_of(name)] = found
        return True


def _endpoint_of(attribute: str) -> str:
    """The name of the namespace that an attribute is mounted as."""
    return "" if attribute == MAIN else "/" + attribute


def _as_namespace(value: Any) -> type[BaseNamespace] | None:
    """A namespace class; None for other attributes."""
    if is_foreign(value):
        return adapt(value)
    if isinstance(value, type) and issubclass(value, BaseNamespace):
        return value
    return None


def _namespaces_of(cls: type) -> Mapping[str, type[BaseNamespace]]:
    mounted: dict[str, type[BaseNamespace]] = {}
    for name in dir(cls):
        found = _as_namespace(getattr(cls, name, None))
        if found is not None:
            mounted[_endpoint_of(name)] = found
    return mounted


def _namespaces_of_all() -> Mapping[str, type[BaseNamespace]]:
    """The namespaces of all controllers of this process."""
    mounted: dict[str, type[BaseNamespace]] = {}
    classes: list[type] = [SocketIOController]
    for cls in classes:
        mounted.update(_namespaces_of(cls))
        classes.extend(cls.__subclasses__())
    return mounted
