"""An event as a TurboGears request.

The request that opened a connection has ended when its events come. Each event runs
with a ``tg.request``, ``tg.response``, ``tg.tmpl_context`` and ``tg.session`` of its
own, and inside the application's wrappers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import partial
from io import BytesIO
from typing import Any

import gevent
from gevent.event import AsyncResult
from tg import request_local
from tg.appwrappers.identity import IdentityApplicationWrapper
from tg.request_local import Request, Response
from tg.validation import _ValidationStatus
from tg.wsgiapp import AttribSafeTemplateContext, TemplateContext
from webob.exc import HTTPException

from ..engine.concurrency.failures import FAILURES, ConnectionLost, Reported
from ..engine.concurrency.interruption import Interrupted
from ..engine.logs import get_logger
from ..engine.namespaces.base import ConnectionRefused
from ..engine.namespaces.errors import EventRefused
from ..engine.server.opening import PARSED
from ..engine.session.session import Socket
from ..wire.socketio.packet import Packet
from .context import configs, contexts, is_everywhere
from .cookies import BrowserCookies, secret_names
from .failures import Report, forget_frames, log_failure, make_report
from .guards import unmet
from .identity import API, Lookup, OtherUser, user_of, without_lookup
from .wrappers import Dispatch, SessionWatch, Wrappers

log = get_logger(__name__)

#: What belongs to the opening request alone.
_OPENING_ONLY = frozenset(
    (
        "beaker.cache",
        "beaker.get_session",
        "beaker.session",
        "paste.registry",
        "paste.testing",
        "paste.testing_variables",
        "repoze.tm.active",
        "tg.locals",
        "webob.adhoc_attrs",
        "wsgi.input",
        *PARSED,
    )
)

#: Why a connection ended whose client shall come back with its cookies.
USER_CHANGED = "user changed"

#: What was set on the opening request and describes the connection.
_INHERITED = ("identity",)


class Application:
    """What the events of one application have in common.

    :param config: the application's configuration, ``socketio.identity_ttl`` (seconds,
        0 by default) included.
    :raises ValueError: when an option cannot be; the message names it.
    """

    def __init__(self, config: MutableMapping[str, Any]) -> None:
        self.config = config
        self.identity_ttl = _seconds(config, "socketio.identity_ttl")
        self.wrappers = Wrappers(config)
        self.dispatch = self.wrappers.dispatch
        self.dispatch_known: Dispatch | None = None
        if self.identity_ttl > 0 and self.wrappers.identity:
            known = Wrappers(config, (IdentityApplicationWrapper,)).dispatch
            self.dispatch_known = known or _nothing_around
        self.sessions = SessionWatch()
        self.cookie_names = secret_names(config)
        self.report: Report | None = make_report(config)
        #: Lets go of the database session, and with it of its connection.
        self.remove_session: Callable[[], object] | None = None
        if config.get("use_sqlalchemy"):
            session = config.get("SQLASession")
            self.remove_session = (session or config["DBSession"]).remove


def _seconds(config: Mapping[str, Any], name: str) -> float:
    value = config.get(name) or 0
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    if not seconds >= 0:
        raise ValueError(f"{name}: {value!r} is not a number of seconds")
    return seconds


class Failed(Exception):
    """Stands for what a handler raised, its cause, that is no `Exception`."""


class Connection:
    """What all events of one connection share.

    Called with a function, it runs it as an event: in a context of its own, and inside
    the wrappers of the application.

    :param environ: the WSGI environment of the opening request.
    :param tgl: the TurboGears context of the opening request.
    :param application: what is the same for all connections.
    :param allow_only: the predicate of the controller.
    """

    def __init__(
        self,
        environ: dict[str, Any],
        tgl: Any,
        application: Application,
        allow_only: Any = None,
    ) -> None:
        self.application = application
        self.allow_only = allow_only
        #: Whether the client is to leave, once it was told why.
        self._sent_away = False
        self.remove_session = application.remove_session
        self.environ = {
            name: value for name, value in environ.items() if name not in _OPENING_ONLY
        }
        anew = application.wrappers.identity
        ttl, user = application.identity_ttl, user_of(environ)
        self.lookup = Lookup(self.environ, anew, ttl, user)
        without_lookup(self.environ, anew)
        self._socket: Socket = environ["socketio"]
        whose = None
        if API in environ:
            whose = partial(self.lookup.whose, self.environ)
        self.cookies = BrowserCookies(
            self.environ, application.cookie_names, self.lookup.user, self._end, whose
        )
        attributes = environ.get("webob.adhoc_attrs", {})
        self.attributes = {
            name: attributes[name]
            for name in _INHERITED
            if name in attributes and not anew
        }
        self.config = tgl.config
        self.app_globals = tgl.app_globals
        self.translator = tgl.translator
        self.session = None if application.wrappers.session else tgl.session
        self.cache = tgl.cache
        self.language = getattr(tgl.request, "_language", None)

    def __call__(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function as an event.

        One that an event of the same connection calls is part of that event.

        :raises ConnectionRefused: when the function did.
        :raises EventRefused: for an HTTP error that it, or a wrapper, answered with.
        :raises Reported: when it failed, which is in the log then.
        """
        outer = contexts()
        if outer:
            around = outer[-1][0]
            if type(around) is Event and around._connection is self:
                return function(*args)
            if self.application.dispatch is not None:
                # Transactions and sessions of two requests can't nest in a greenlet.
                return _elsewhere(self, function, *args)
        packet: Any = args[-1] if args else None  # a timeout has none
        if type(packet) is not dict:
            packet = None
        event = Event(self, packet)
        if self.allow_only is not None and _is_asked_for(packet):
            run: Callable[..., Any] = partial(self._guard, function)
        else:
            run = function
        # What a process has one of needs not be pushed for each event.
        stack = configs() if outer or not is_everywhere(self.config) else None
        outer.append((event, False))
        if stack is not None:
            stack.append((self.config, False))
        try:
            if self.application.dispatch is None:
                result = run(*args)
            else:
                result = event.dispatch(run, args)
        except HTTPException as answer:
            raise _as_refusal(answer) from None
        except (ConnectionRefused, EventRefused):
            raise
        except OtherUser:
            result = None
        except Interrupted:
            event.abort()
            raise
        except FAILURES as error:
            self._report(event, function, error)
            raise Reported from error
        finally:
            if self.remove_session is not None:
                self.remove_session()
            outer.pop()
            if stack is not None:
                stack.pop()
            if event._has_request:
                event.forget_request()
            if self._sent_away:
                # Nothing above waits any more: the client is told why before.
                self._sent_away = False
                gevent.spawn(self._socket.disconnect)
        if self.lookup.changed:
            self._leave()
        for late, late_args in event.at_success:
            late(*late_args)
        return result

    def _guard(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run what a client asked for, if it would still be let in.

        :raises EventRefused: where it would not; its connection ends then.
        """
        reason = unmet(self.allow_only, _environ)
        if reason is None:
            return function(*args)
        self._socket.finish()
        self._sent_away = True
        raise EventRefused("method_access_denied", reason)

    def _end(self) -> None:
        """End the connection, from outside of its events; its client comes back."""
        socket = self._socket
        if socket.state == socket.STATE_CONNECTING and not socket.awaits_transport:
            socket.kill(reason=USER_CHANGED)  # it is still being opened
            return
        socket.finish()
        gevent.spawn(socket.kill, reason=USER_CHANGED)

    def _leave(self) -> None:
        """End the connection after an event whose user was another.

        :raises Reported: where it had not ended: there is nothing to answer.
        """
        if not self._socket._ended():
            self._socket.kill(reason=USER_CHANGED)
            raise Reported

    def _report(
        self, event: Event, function: Callable[..., Any], error: BaseException
    ) -> None:
        environ = event.request.environ
        identity = environ.get("repoze.who.identity") or {}
        user = identity.get("repoze.who.userid")
        log_failure(function, event._packet, user, self._socket.log_name)
        if self.application.report is not None and type(error) is not ConnectionLost:
            self.application.report(environ)


def _is_asked_for(packet: Packet | None) -> bool:
    """Whether a client asks for something; it may always leave."""
    return packet is not None and packet["type"] != "disconnect"


def _environ() -> dict[str, Any]:
    environ: dict[str, Any] = request_local.request.environ
    return environ


class Event:
    """The TurboGears context of one event: what ``tg.request`` and the others show.

    Its members are made when they are first looked at.
    """

    __slots__ = ("__dict__", "_connection", "_packet")

    #: Whether the user is the one that an earlier event looked up.
    _recalls = False
    _has_request = False
    _result: Any = None
    _refusal: ConnectionRefused | HTTPException | None = None
    #: Whether a client is on its way in, and what it did was not committed yet.
    _uncommitted = False
    #: What `on_commit` keeps where there are no transactions.
    at_success: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]] = ()

    def __init__(self, connection: Connection, packet: Packet | None) -> None:
        self._connection = connection
        self._packet = packet

    @property
    def config(self) -> MutableMapping[str, Any]:
        """The application's configuration."""
        config: MutableMapping[str, Any] = self._connection.config
        return config

    @property
    def has_transaction(self) -> bool:
        """Whether TurboGears' transaction manager ends a transaction after it."""
        return self._connection.application.wrappers.transactions

    def __getattr__(self, name: str) -> Any:
        maker = _MAKERS.get(name)
        if maker is None:
            value = getattr(self._connection, name)
        else:
            value = maker(self, self._connection)
        setattr(self, name, value)
        return value

    def when_it_succeeds(
        self, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        """Have a function called at the end, unless the event fails."""
        self.at_success = (*self.at_success, (function, args))

    def forget_request(self) -> None:
        """The event has ended: its request does not hold it, nor what a client sent.

        TurboGears does likewise. The two would be freed by the garbage collector alone,
        which comes when there are very many of them, however large they are.
        """
        request = self.request
        request.environ.pop("tg.locals", None)
        if request.validation.exception is not None:
            forget_frames(request.validation.exception)

    def abort(self) -> None:
        """End the transaction of an event that was interrupted."""
        if self.has_transaction:
            import transaction

            transaction.abort()

    def dispatch(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Run what the event leads to inside the application's wrappers."""
        application, lookup = self._connection.application, self._connection.lookup
        reached = False

        def handle(environ: dict[str, Any], context: Event) -> Any:
            nonlocal reached
            reached = True
            if not (self._recalls or self._connection._socket._ended()):
                lookup.found(self.request, self._connection.config)
            response = self._respond(function, args)
            application.sessions.look(self.session)
            return response

        dispatch = application.dispatch
        if application.dispatch_known is not None and lookup.holds:
            self._recalls = True
            dispatch = application.dispatch_known
            lookup.recall(self.request)
        assert dispatch is not None
        response = dispatch(handle, self.request.environ, self)
        if not reached:
            raise _as_refusal(response)
        if isinstance(self._refusal, HTTPException):
            raise _as_refusal(self._refusal)
        if self._refusal is not None:
            raise self._refusal
        if self._uncommitted:
            log.warning(
                "Refused a client: the transaction of its way in was doomed or vetoed"
            )
            raise ConnectionRefused
        return self._result

    def _await_commit(self) -> None:
        """Note whether the transaction of a client's way in is committed."""
        packet = self._packet
        if packet is None or packet["type"] != "connect" or not self.has_transaction:
            return
        import transaction

        self._uncommitted = True
        transaction.get().addAfterCommitHook(self._committed)

    def _committed(self, success: bool) -> None:
        self._uncommitted = not success

    def _respond(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Run the function; the response is what the wrappers see of it."""
        # They may run it again, with another outcome.
        self._result = self._refusal = None
        self.at_success = ()
        try:
            self._result = function(*args)
            self._await_commit()
        except ConnectionRefused as refused:
            self._refusal = refused
            self.response.status_int = 403
        except HTTPException as answer:
            self._refusal = answer
            return answer
        except (Exception, Interrupted):
            raise
        except FAILURES as error:
            # TurboGears' transaction manager takes no other for a failure.
            raise Failed(f"a handler raised {type(error).__name__}") from error
        return self.response


def _elsewhere(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a greenlet of its own, and wait for it."""
    outcome: AsyncResult[Any] = AsyncResult()

    def run() -> None:
        try:
            outcome.set(function(*args))
        except BaseException as error:
            outcome.set_exception(error)

    greenlet = gevent.spawn(run)
    try:
        return outcome.get()
    except Interrupted:
        greenlet.kill(Interrupted, block=False)
        raise


def _nothing_around(handle: Any, environ: dict[str, Any], context: Any) -> Any:
    return handle(environ, context)


def _as_refusal(response: Any) -> EventRefused:
    """What an HTTP response says, as an event's error."""
    status = response.status_int
    text = getattr(response, "detail", None) or response.status
    if status in (401, 403):
        return EventRefused("method_access_denied", str(text))
    return EventRefused(str(status), str(text))


def _make_request(event: Event, connection: Connection) -> Request:
    environ = dict(connection.environ)
    environ["wsgi.input"] = BytesIO()
    environ["tg.locals"] = event
    if event._packet is not None:
        # A client may connect to a namespace with a query.
        own = environ["socketio"].environ_for(event._packet)
        environ["QUERY_STRING"] = own.get("QUERY_STRING", "")
    if connection.attributes:
        environ["webob.adhoc_attrs"] = dict(connection.attributes)
    if not event._recalls:
        connection.lookup.identify(environ)
    request = Request(environ)
    event._has_request = True
    for name, value in (
        ("_language", connection.language),
        ("_response_type", None),
        ("_decode_json_params", False),
        ("validation", _ValidationStatus()),
    ):
        request._fast_setattr(name, value)
    return request


def _make_response(event: Event, connection: Connection) -> Response:
    options = connection.config.get(
        "tg.response_options", Response._DEFAULT_RESPONSE_OPTIONS
    )
    return Response(
        content_type=options["content_type"],
        charset=options["charset"],
        headers=options["headers"],
    )


def _make_tmpl_context(event: Event, connection: Connection) -> TemplateContext:
    if connection.config["tg.strict_tmpl_context"]:
        return TemplateContext()
    return AttribSafeTemplateContext()


_MAKERS: dict[str, Callable[[Event, Connection], Any]] = {
    "request": _make_request,
    "response": _make_response,
    "tmpl_context": _make_tmpl_context,
}
