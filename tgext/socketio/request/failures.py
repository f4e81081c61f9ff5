"""Failures of events: they are logged, and go to TurboGears' error reporters."""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tg.configurator.components.error_reporting import (
    ErrorReportingConfigurationComponent,
)

from ..engine.concurrency.failures import log_failure as log_engine_failure
from ..engine.lines import Details
from ..engine.logs import get_logger
from ..wire.socketio.packet import Packet

log = get_logger(__name__)

#: Reports the exception that is being handled; its argument is the WSGI environment.
Report = Callable[[dict[str, Any]], None]


def make_report(config: Mapping[str, Any]) -> Report | None:
    """The error reporters of an application, from its ``trace_errors.`` options.

    They belong to backlash, a WSGI middleware around the pages. Here TurboGears builds
    this middleware once more, around an empty application.

    :returns: None when the application has no reporters, or backlash is not installed.
    """
    if not _has_reporters(config):
        return None
    component = ErrorReportingConfigurationComponent()
    middleware = component._add_middleware(config, _answer_nothing)
    if middleware is _answer_nothing:
        return None

    def report(environ: dict[str, Any]) -> None:
        environ["backlash.exc_info"] = sys.exc_info()
        environ["wsgi.errors"] = io.StringIO()  # the failure is in the log already
        for _ in middleware(environ, _start_nothing):
            pass

    return report


def _has_reporters(config: Mapping[str, Any]) -> bool:
    options = config.get("tg.errorware", {})
    return any(options.get(name) for name in ("error_email", "sentry_dsn", "reporters"))


def _answer_nothing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    return []


def _start_nothing(*args: Any) -> None:
    pass


def log_job_failure(
    function: Callable[..., Any], endpoint: str | None, user: Any, session: str
) -> None:
    """Log the failure of a job that is being handled.

    :param endpoint: the namespace that began it; None when the connection did.
    :param user: as for :func:`log_failure`.
    :param session: as for :func:`log_failure`.
    """
    log_engine_failure(
        log,
        "Job %s of %s failed (user %s, session %s)",
        name_of(function),
        "its connection" if endpoint is None else f"namespace {endpoint or '/'}",
        user if user is not None else "anonymous",
        session,
        extra=Details(
            user=user,
            session=session,
            namespace=None if endpoint is None else endpoint or "/",
        ),
    )


def name_of(function: Callable[..., Any]) -> str:
    """The name of a function, for the log."""
    called = inspect.unwrap(function)
    while isinstance(called, partial):
        called = called.func
    return getattr(called, "__qualname__", repr(called))


def log_failure(
    function: Callable[..., Any], packet: Packet | None, user: Any, session: str
) -> None:
    """Log the failure that is being handled.

    :param function: the function that failed.
    :param packet: the packet that it handled, which names the event; None when no
        packet led to it.
    :param user: the id of the user; None when the client is anonymous.
    :param session: the name of the session in logs, which is not its session id.
    """
    if packet is None:
        what = name_of(function)
        where = ""
    else:
        what = packet.get("name") or packet["type"]
        where = packet.get("endpoint", "")
    log_engine_failure(
        log,
        "Event %r of namespace %s failed (user %s, session %s)",
        what,
        where or "/",
        user if user is not None else "anonymous",
        session,
        extra=Details(user=user, session=session, namespace=where or "/", event=what),
    )


def forget_frames(error: BaseException | None) -> None:
    """Break the cycle between an error and the frames that raised it.

    :param error: what a validator raised; it may hold the errors of single fields.
    """
    while error is not None and error.__traceback__ is not None:
        error.__traceback__ = None
        fields = getattr(error, "error_dict", None)
        for each in fields.values() if isinstance(fields, dict) else ():
            forget_frames(each if isinstance(each, BaseException) else None)
        error = error.__context__
