"""A section of tgext.debugbar: who is connected, and the last events of the process.

``plug(base_config, 'tgext.socketio.debugbar')`` adds it; without tgext.pluggable,
:func:`plugme` does.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, NamedTuple

from markupsafe import Markup
from tg import config, hooks
from tg.appwrappers.base import ApplicationWrapper
from tg.appwrappers.errorpage import ErrorPageApplicationWrapper

from .controller import SocketIOController
from .engine.concurrency.failures import FAILURES
from .engine.concurrency.interruption import Interrupted
from .engine.namespaces.errors import EventRefused
from .request.context import current
from .request.event import Event
from .wire.escape import escape

__all__ = ["plugme"]

#: How many events are shown, and how many queries of each.
EVENTS = 50
QUERIES = 20

#: Characters of a text that are shown: clients choose the names of events. A lone
#: surrogate among them could not be encoded, so texts are escaped as in the log.
TEXT = 300

#: A controller wrapper: gets what calls a controller, and returns what is called then.
Wrapper = Callable[[Callable[..., Any]], Callable[..., Any]]

#: Where an application has its events in its configuration.
_SEEN = "tgext.socketio.debugbar.events"


def plugme(configurator: Any, options: Any = None) -> dict[str, str]:
    """Add the section to the debugbar of an application, where that is enabled.

    The debugbar then profiles one page at a time, and no events.

    :param configurator: the ``base_config`` of the application.
    :param options: tgext.pluggable gives them; there are none.
    :raises ImportError: when tgext.debugbar is not installed.
    """
    from tgext.debugbar.sections import __sections__ as sections

    if not any(type(each) is EventsSection for each in sections):
        for each in sections:
            profilers = each.hooks.get("controller_wrapper")
            if profilers:
                each.hooks["controller_wrapper"] = list(map(profile_pages, profilers))
        sections.append(EventsSection())
    hooks.register("initialized_config", _begin)
    # Around all of TurboGears' wrappers: they look up the user, and commit.
    configurator.register_application_wrapper(
        EventsWrapper, after=ErrorPageApplicationWrapper
    )
    return {"appid": "tgext.socketio.debugbar"}


def _begin(configurator: Any, conf: MutableMapping[str, Any]) -> None:
    if conf.get("debug"):
        conf.setdefault(_SEEN, deque(maxlen=EVENTS))


def profile_pages(profiler: Wrapper) -> Wrapper:
    """Let a controller wrapper that profiles run for one page at a time.

    Since Python 3.12, a second profiler raises ``ValueError`` while the first one runs.
    Greenlets overlap, and an event may wait for long; nobody would see its profile.
    """
    busy = False

    def wrap(controller: Callable[..., Any]) -> Callable[..., Any]:
        profiled = profiler(controller)

        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal busy
            if busy or type(current()) is Event:
                return controller(*args, **kwargs)
            busy = True
            try:
                return profiled(*args, **kwargs)
            finally:
                busy = False

        return call

    return wrap


class Seen(NamedTuple):
    """An event that has ended."""

    at: float
    namespace: str
    name: str
    user: str
    milliseconds: float
    #: Why it failed or was refused; empty if it succeeded.
    failure: str
    queries: tuple[str, ...]


class EventsWrapper(ApplicationWrapper):
    """Notes the events of an application. Pages pass it."""

    def __init__(self, next_handler: Any, config: MutableMapping[str, Any]) -> None:
        super().__init__(next_handler, config)
        self._seen: deque[Seen] | None = config.get(_SEEN)

    @property
    def injected(self) -> bool:
        return self._seen is not None

    def __call__(self, controller: Any, environ: dict[str, Any], context: Any) -> Any:
        if type(context) is not Event:
            return self.next_handler(controller, environ, context)
        at, begin, failure = time.time(), time.perf_counter(), ""
        try:
            response = self.next_handler(controller, environ, context)
            if response.status_int >= 400:
                failure = response.status
            return response
        except EventRefused as refused:
            failure = refused.name
            raise
        except Interrupted:
            failure = "interrupted"
            raise
        except FAILURES as error:
            failure = type(error).__name__
            raise
        finally:
            assert self._seen is not None
            took = (time.perf_counter() - begin) * 1000
            self._seen.appendleft(_note(context, at, took, failure))


def _note(event: Event, at: float, milliseconds: float, failure: str) -> Seen:
    request, packet = event.request, event.packet
    identity = request.environ.get("repoze.who.identity") or {}
    user = identity.get("repoze.who.userid")
    name, namespace = "(callback)", ""
    if packet is not None:
        name = str(packet.get("name") or f"({packet['type']})")
        namespace = packet.get("endpoint") or "/"
        failure = failure or packet.get("refusal", ("",))[0]
    return Seen(
        at,
        escape(namespace, TEXT),
        escape(name, TEXT),
        "anonymous" if user is None else escape(user, TEXT),
        milliseconds,
        escape(failure, TEXT),
        tuple(_queries(request)),
    )


def _queries(request: Any) -> Iterator[str]:
    """The queries that the other sections of the debugbar have noted, if they do."""
    noted: Any = getattr(request, "tgdb_sqla_queries", ())
    texts: list[tuple[float, str]] = [
        (each["duration"], each["statement"]) for each in noted
    ]
    noted = getattr(request, "tgdb_ming_cursors", {})
    texts += [
        (each["duration"], f"{each['collection']} {each['command']}")
        for each in noted.values()
    ]
    for duration, text in texts[:QUERIES]:
        yield f"{duration:.1f} ms: {escape(' '.join(text.split()), TEXT)}"
    if len(texts) > QUERIES:
        yield f"and {len(texts) - QUERIES} more"


class EventsSection:
    """The section, as :mod:`tgext.debugbar` asks for one."""

    name = "Socket.IO"
    hooks: dict[str, list[Callable[..., Any]]] = {}

    @property
    def is_active(self) -> bool:
        return _SEEN in config

    def title(self) -> str:
        return self.name

    def content(self) -> str:
        """HTML: how many clients there are, and the last events, the latest first."""
        return _clients() + self._events()

    def _events(self) -> Markup:
        heads = ("Time", "Namespace", "Event", "User", "Took", "Failure", "Queries")
        return Markup(
            '<h1>Events</h1><table class="tgdb_table"><thead><tr>{}</tr></thead>'
            "<tbody>{}</tbody></table>"
        ).format(
            Markup().join(map(Markup("<th>{}</th>").format, heads)),
            Markup().join(map(_row, tuple(config[_SEEN]))),
        )


def _clients() -> Markup:
    """How many clients of the application are in each namespace of this process."""
    found = SocketIOController._tgsio_clients()
    number = len({client for clients in found.values() for client in clients})
    row = Markup("<tr><th>{}</th><td>{}</td></tr>").format
    rows = [row(escape(name or "/", TEXT), len(found[name])) for name in sorted(found)]
    return Markup(
        "<h1>Clients</h1><p>Connected to this process: {}</p>"
        '<table class="tgdb_table">{}</table>'
    ).format(number, Markup().join(rows))


def _row(seen: Seen) -> Markup:
    at = time.strftime("%H:%M:%S", time.localtime(seen.at))
    took = f"{seen.milliseconds:.1f} ms"
    cells = (at, seen.namespace, seen.name, seen.user, took, seen.failure)
    return Markup('<tr class="tgdb_row">{}<td>{}</td></tr>').format(
        Markup().join(map(Markup("<td>{}</td>").format, cells)),
        Markup("<br/>").join(seen.queries),
    )
