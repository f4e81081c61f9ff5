"""Failures: what an application's code raises, and what it must not stop."""

from __future__ import annotations

import sys
from logging import Logger
from typing import Any, Final

import gevent

#: What code of the application may raise. That is anything: ``sys.exit()`` raises
#: `SystemExit`, and a library its own way to end a greenlet. An `except` clause for it
#: stands behind one that raises an `Interrupted` (``interruption``) again.
FAILURES: Final = BaseException

#: What a library may raise. gevent's timeouts are no `Exception`.
ERRORS: Final = (Exception, gevent.Timeout)


class ConnectionLost(Exception):
    """The connection ended before the client answered.

    Raised where somebody waits for an ack. A handler that lets it pass has not failed:
    there is nobody left whom it could serve.
    """


#: What the log says then, behind what ended.
LEFT_EARLY: Final = "its client left before it answered"


class Reported(Exception):
    """A handler failed, and what runs it has logged that already."""


def log_failure(log: Logger, message: str, *args: Any) -> None:
    """Log the failure that is being handled, with its traceback, unless it has been."""
    error = sys.exc_info()[1]
    if isinstance(error, ConnectionLost):
        log.info(f"{message}: {LEFT_EARLY}", *args, stacklevel=2)
    elif not isinstance(error, Reported):
        log.exception(message, *args, stacklevel=2)
