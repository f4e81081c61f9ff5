"""What is done about an event that failed: the log, and TurboGears' error reporters."""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Callable, Mapping
from typing import Any

from tg.configurator.components.error_reporting import (
    ErrorReportingConfigurationComponent,
)

from ..engine.concurrency.failures import log_failure as log_engine_failure
from ..engine.logs import get_logger
from ..wire.socketio.packet import Packet

log = get_logger(__name__)

#: Given the WSGI environment of what failed, while its exception is being handled.
Report = Callable[[dict[str, Any]], None]


def make_report(config: Mapping[str, Any]) -> Report | None:
    """The error reporters that an application has configured (``trace_errors.``).

    They are those of backlash, which stands around the pages as a WSGI middleware: it
    is built once more, by TurboGears, around the report of an event.

    :returns: None when it has none, or backlash is not installed.
    """
    if not _has_reporters(config):
        return None
    component = ErrorReportingConfigurationComponent()
    middleware = component._add_middleware(config, _answer_nothing)
    if middleware is _answer_nothing:
        return None

    def report(environ: dict[str, Any]) -> None:
        environ["backlash.exc_info"] = sys.exc_info()
        environ["wsgi.errors"] = io.StringIO()  # The log has it already.
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


def log_failure(
    function: Callable[..., Any], packet: Packet | None, user: Any, session: str
) -> None:
    """Log the failure that is being handled.

    :param function: what ran.
    :param packet: what it handled, whose event is named.
    :param user: the id of the user.
    :param session: names the session, and does not open it.
    """
    if packet is None:
        called = inspect.unwrap(function)
        what = getattr(called, "__qualname__", repr(called))
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
    )


def forget_frames(error: BaseException | None) -> None:
    """Let go of the frames that an error came from, which hold it in turn.

    :param error: what a validator raised; those of single fields are in it.
    """
    while error is not None and error.__traceback__ is not None:
        error.__traceback__ = None
        fields = getattr(error, "error_dict", None)
        for each in fields.values() if isinstance(fields, dict) else ():
            forget_frames(each if isinstance(each, BaseException) else None)
        error = error.__context__
