"""One event inside the application's wrappers, and what comes out of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from webob.exc import HTTPException

from ..engine.concurrency.failures import FAILURES
from ..engine.concurrency.interruption import Interrupted
from ..engine.logs import get_logger
from ..engine.namespaces.base import ConnectionRefused
from ..engine.namespaces.errors import EventRefused
from .event import Event

log = get_logger(__name__)


class Failed(Exception):
    """A handler raised an exception that is not an `Exception`: the cause of this."""


class Dispatched:
    """A function that runs as an event inside the application's wrappers.

    :param event: its context.
    :param function: what is run. A wrapper may run it several times: a transaction
        manager may try again after a conflict.
    """

    #: Whether the wrappers let the event through to the function.
    _reached = False
    #: Whether the event admits a client, and its transaction is not committed.
    _uncommitted = False
    _result: Any = None
    _refusal: ConnectionRefused | HTTPException | None = None

    def __init__(
        self, event: Event, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        self._event = event
        self._function = function
        self._args = args

    def run(self) -> Any:
        """Run the function inside the wrappers.

        :returns: what the function returned.
        :raises ConnectionRefused: when the function raised it, or when the event admits
            a client and its transaction was not committed.
        :raises EventRefused: for an HTTP error of the function or of a wrapper.
        """
        event = self._event
        connection = event.connection
        application, lookup = connection.application, connection.lookup
        dispatch = application.dispatch
        if application.dispatch_known is not None and lookup.holds:
            event.recalls = True
            dispatch = application.dispatch_known
            lookup.recall(event.environ)
        assert dispatch is not None
        response = dispatch(self._handle, event.environ, event)
        if not self._reached:
            raise as_refusal(response)
        if isinstance(self._refusal, HTTPException):
            raise as_refusal(self._refusal) from self._refusal
        if self._refusal is not None:
            raise self._refusal
        if self._uncommitted:
            log.warning("Refused a client: its transaction was doomed or vetoed")
            raise ConnectionRefused
        return self._result

    def _handle(self, environ: dict[str, Any], context: Event) -> Any:
        """What the innermost wrapper calls, in the place of a page."""
        self._reached = True
        connection = context.connection
        if not (context.recalls or connection.socket.ended):
            connection.lookup.check(environ, connection.config)
        response = self._respond(context)
        connection.application.sessions.check(context.session)
        return response

    def _respond(self, event: Event) -> Any:
        """Run the function. The response tells the wrappers of its outcome."""
        # The wrappers may run it again, with another outcome.
        self._result = self._refusal = None
        event.at_success = ()
        try:
            self._result = self._function(*self._args)
            self._await_commit(event)
        except ConnectionRefused as refused:
            self._refusal = refused
            event.response.status_int = 403
        except HTTPException as answer:
            self._refusal = answer
            return answer
        except (Exception, Interrupted):
            raise
        except FAILURES as error:
            # TurboGears' transaction manager rolls back only for an `Exception`.
            raise Failed(f"a handler raised {type(error).__name__}") from error
        return event.response

    def _await_commit(self, event: Event) -> None:
        """Note whether the transaction that admits a client is committed."""
        packet = event.packet
        if packet is None or packet["type"] != "connect" or not event.has_transaction:
            return
        import transaction

        self._uncommitted = True
        transaction.get().addAfterCommitHook(self._committed)

    def _committed(self, success: bool) -> None:
        self._uncommitted = not success


def as_refusal(response: Any) -> EventRefused:
    """The error of an event for an HTTP response.

    For a redirection it is ``redirect``, with the URL: only the page can go there.
    """
    status = response.status_int
    location = response.location if 300 <= status < 400 else None
    if location:
        return EventRefused("redirect", location, {"redirect": location})
    text = getattr(response, "detail", None) or response.status
    if status in (401, 403):
        return EventRefused("method_access_denied", str(text))
    return EventRefused(str(status), str(text))


def abort_transaction(event: Event) -> None:
    """Roll back the transaction of an event that was interrupted."""
    if event.has_transaction:
        import transaction

        transaction.abort()
