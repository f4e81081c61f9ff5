"""What runs the events of one connection.

It puts a TurboGears context and the application's wrappers around them, asks the
``allow_only`` of the controllers, and reports their failures.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Final

import gevent
from tg import request_local
from webob.exc import HTTPException

from ..engine.concurrency.failures import ERRORS, FAILURES, ConnectionLost, Reported
from ..engine.concurrency.failures import log_failure as log_engine_failure
from ..engine.concurrency.interruption import Interrupted, in_own_greenlet
from ..engine.hub.rooms import Rooms
from ..engine.logs import get_logger
from ..engine.namespaces.base import ConnectionRefused
from ..engine.namespaces.errors import EventRefused
from ..engine.session.session import Socket
from ..wire.socketio.packet import Packet
from ..wire.socketio.reasons import USER_CHANGED
from .activity import is_activity
from .application import Application
from .browsers import BrowserCookies
from .connection import Connection
from .context import configs, contexts, is_everywhere
from .dispatch import Dispatched, Failed, abort_transaction, as_refusal
from .event import Event
from .failures import log_failure
from .guards import first_unmet
from .identity import API, OtherUser
from .jobs import OfAJob, as_job

log = get_logger(__name__)

#: What denies an event, or a client.
DENIALS: Final = (ConnectionRefused, EventRefused, HTTPException)


class Runner:
    """Runs functions as the events of one connection.

    :param environ: the WSGI environment of the opening request.
    :param tgl: the TurboGears context of the opening request.
    :param application: what all connections of the application share.
    :param requirements: the predicates of the controller, and of those above it.
    :param rooms: the rooms of the controller; None for those of the server.

    :ivar connection: what the events inherit from the opening request.
    :ivar config: the application's configuration.
    :ivar cookies: the cookies of the connection's browser.
    :ivar close_resources: closes what TurboGears closes after a page; None when there
        is nothing to close.
    :ivar asked: when the requirements decided about the client last.
    """

    #: Wrappers of the application and ``allow_only`` decide after the view, too.
    answer_decides: ClassVar = True

    def __init__(
        self,
        environ: dict[str, Any],
        tgl: Any,
        application: Application,
        requirements: Sequence[Any] = (),
        rooms: Rooms | None = None,
    ) -> None:
        self.rooms = rooms
        self.connection = connection = Connection(environ, tgl, application)
        self.application = application
        self._socket: Socket = connection.socket
        self.config = connection.config
        self._requirements = requirements
        self.asked = time.monotonic()
        if requirements:
            application.rechecks.add(self)
        self._slow_events = application.slow_events
        self.close_resources = application.close_resources
        #: Whether to disconnect the client after the reason was sent to it.
        self._sent_away = False
        self._lookup = lookup = connection.lookup
        self._activity = lookup.activity
        self._middleware = application.event_middleware
        #: Whether there is nothing to do before an event but to push its context.
        self._is_bare = not (
            requirements
            or application.dispatch is not None
            or application.event_middleware
            or application.slow_events is not None
            or self._activity is not None
        )
        user_with = None
        if API in environ:
            user_with = partial(lookup.user_with, connection.environ)
        names = application.cookie_names
        self.cookies = BrowserCookies(
            connection.environ, names, lookup.user, self._end, user_with
        )

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function as an event.

        When an event of the same connection is running, the function is part of it.

        :param args: what the function is called with; the last is the packet that the
            client sent, if one led to the event.
        :returns: what the function returned.
        :raises ConnectionRefused: when the function raised it.
        :raises EventRefused: for an HTTP error of the function or of a wrapper.
        :raises Reported: when it failed; the failure is in the log then.
        """
        outer = contexts()
        if outer:
            running = outer[-1][0]
            if type(running) is Event and running.connection is self.connection:
                return function(*args)
            if self.application.dispatch is not None:
                # Transactions and sessions of two requests can't nest in a greenlet.
                return in_own_greenlet(self.run, function, *args)
        packet: Any = args[-1] if args else None
        if type(packet) is not dict:
            packet = None
        event = Event(self.connection, packet)
        # If the process has one application, `tg.config` finds its configuration with
        # an empty stack. Then no event spends time on pushing it.
        stack = configs() if outer or not is_everywhere(self.config) else None
        outer.append((event, False))
        if stack is not None:
            stack.append((self.config, False))
        try:
            if self._is_bare:
                result = function(*args)
            else:
                result = self._run_prepared(event, function, args)
            if event.at_success:
                for late, values in event.at_success:
                    late(*values)
        except HTTPException as answer:
            raise as_refusal(answer) from answer
        except (ConnectionRefused, EventRefused):
            raise
        except OtherUser:
            result = None
        except Interrupted:
            abort_transaction(event)
            raise
        except FAILURES as error:
            if type(function) is OfAJob:
                raise
            self._report(event, function, error)
            raise Reported from error
        finally:
            try:
                if self.close_resources is not None:
                    self.close_resources()  # may wait, fail and be interrupted
            finally:
                outer.pop()
                if stack is not None:
                    stack.pop()
                if event.has_environ or self._sent_away or self._lookup.changed:
                    self._tidy_up(event)
        return result

    def _run_prepared(
        self, event: Event, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> Any:
        """Do what the application wants to be done before an event, and run it."""
        if self._activity is not None and is_activity(event.packet):
            self._activity.note()
        if self._requirements and _is_asked_for(event.packet):
            function = partial(self._guard, function)
        if self._middleware:
            self._let_see(event)
        if self._slow_events is not None:
            self._slow_events.watch(event)
        if self.application.dispatch is None:
            return function(*args)
        return Dispatched(event, function, args).run()

    def _let_see(self, event: Event) -> None:
        """Make the environment now: the application's middleware sees every event."""
        event.make_environ()
        if self._lookup.changed and not self._socket.ended:
            raise OtherUser

    def _tidy_up(self, event: Event) -> None:
        """Clean up after an event, whether it succeeded or failed.

        :raises Reported: when it found another user: the connection has ended, and
            there is nothing to answer.
        """
        if self._slow_events is not None:
            self._slow_events.forget(event)
        if event.has_environ:
            event.forget_request()
        if self._sent_away:
            # In another greenlet, so that the caller sends the reason first.
            self._sent_away = False
            gevent.spawn(self._socket.disconnect)
        if self._lookup.changed and not self._socket.ended:
            interrupted = isinstance(sys.exc_info()[1], Interrupted)
            self._socket.kill(reason=USER_CHANGED)
            if not interrupted:
                raise Reported

    def job(
        self, function: Callable[..., Any], endpoint: str | None = None
    ) -> Callable[..., Any]:
        """The function that a job runs; see :func:`.jobs.as_job`."""
        return as_job(function, self.connection, endpoint)

    def run_in_job(self, function: Callable[[], Any]) -> Any:
        """Run a function of a job as an event, with a user, a session, a transaction.

        The transaction manager may run it several times. What the function raises is
        raised here, and not logged: the job can handle it, or fails itself.

        :raises EventRefused: for a response of a wrapper, such as a denial.
        """
        try:
            return self.run(OfAJob(function))
        except Failed as failed:
            raise failed.__cause__ or failed from None
        except EventRefused as refused:
            if isinstance(refused.__cause__, HTTPException):
                raise refused.__cause__ from None
            raise

    def _guard(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run what a client asked for, if it still meets ``allow_only``.

        :raises EventRefused: when it does not; the connection ends then. So it does
            when a predicate raises a denial of its own, as ``tg.abort(403)`` does.
        """
        try:
            reason = first_unmet(self._requirements, _environ)
        except DENIALS:
            self._send_away()
            raise
        self.asked = time.monotonic()
        if reason is None:
            return function(*args)
        self._send_away()
        raise EventRefused("method_access_denied", reason)

    def _send_away(self) -> None:
        """Disconnect the client at the end of the event."""
        self._socket.finish()
        self._sent_away = True

    @property
    def user(self) -> Any:
        """The id of the user that the connection opened with."""
        return self._lookup.user

    @property
    def ended(self) -> bool:
        """Whether the connection has ended."""
        return self._socket.ended

    def ask_again(self) -> bool:
        """Do what an event would do if the client may not stay.

        :returns: whether that could be found out. Failures are in the log.
        """
        socket = self._socket
        if not socket.connected:
            return True
        try:
            self.run(self._recheck)
        except Interrupted:
            raise
        except FAILURES as error:
            stays = socket.connected
            if stays or not isinstance(error, DENIALS):
                message = "Asking session %s again whether it may stay failed"
                log_engine_failure(log, message, socket.log_name)
            return not stays
        return True

    def give_up(self, times: int) -> None:
        """Disconnect a client of which nobody can tell whether it may stay.

        :param times: how often asking has failed.
        """
        log.warning(
            "Disconnected session %s: asking whether it may stay (allow_only) failed "
            "%d times in a row, and succeeded for others; see the failures above",
            self._socket.log_name,
            times,
        )
        self._socket.finish()
        gevent.spawn(self._socket.disconnect)

    def _recheck(self) -> None:
        self._guard(bool)

    def _end(self) -> None:
        """End the connection from outside of its events. The client reconnects."""
        socket = self._socket
        if socket.state == socket.STATE_CONNECTING and not socket.awaits_transport:
            socket.kill(reason=USER_CHANGED)  # it is still being opened
            return
        socket.finish()
        gevent.spawn(socket.kill, reason=USER_CHANGED)

    def let_go(self) -> None:
        self.connection.let_go()
        self._socket = self.connection.socket
        self.cookies.let_go()

    def _report(
        self, event: Event, function: Callable[..., Any], error: BaseException
    ) -> None:
        try:
            environ = event.environ
        except ERRORS:  # what makes the request has failed
            environ = self.connection.environ
        identity = environ.get("repoze.who.identity") or {}
        user = identity.get("repoze.who.userid")
        log_failure(function, event.packet, user, self._socket.log_name)
        report = self.application.report
        if report is not None and type(error) is not ConnectionLost:
            report(environ)


def _is_asked_for(packet: Packet | None) -> bool:
    """Whether a client asks for something that can be denied: all but leaving."""
    return packet is not None and packet["type"] != "disconnect"


def _environ() -> dict[str, Any]:
    environ: dict[str, Any] = request_local.request.environ
    return environ
