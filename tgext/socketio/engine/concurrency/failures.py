"""Failures: exceptions of an application's code, which must not stop the server."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from logging import Logger
from typing import Any, Final

import gevent

#: What code of the application may raise: any exception. ``sys.exit()`` raises
#: `SystemExit`, and libraries have their own exceptions to end a greenlet. An `except`
#: clause for it must follow one that re-raises `Interrupted` (``interruption``).
FAILURES: Final = BaseException

#: What a library may raise. gevent's timeouts are not subclasses of `Exception`.
ERRORS: Final = (Exception, gevent.Timeout)


class ConnectionLost(Exception):
    """The connection ended before the client answered.

    Raised in a handler that waits for an ack. A handler that does not catch it is not
    logged as failed: its client has left.
    """


#: The text of the log in that case.
LEFT_EARLY: Final = "its client left before it answered"


class Reported(Exception):
    """A handler failed, and the failure has been logged already."""


def log_failure(
    log: Logger, message: str, *args: Any, extra: Mapping[str, Any] | None = None
) -> None:
    """Log the current exception with its traceback, unless it has been logged.

    :param extra: attributes of the record; see ``engine/lines.py``.
    """
    error = sys.exc_info()[1]
    if isinstance(error, ConnectionLost):
        log.info(f"{message}: {LEFT_EARLY}", *args, stacklevel=2, extra=extra)
    elif not isinstance(error, Reported):
        log.exception(message, *args, stacklevel=2, extra=extra)
