"""Failures: what an application's code raises, and what it must not stop."""

from __future__ import annotations

from typing import Final

import gevent

#: What code of the application may raise. That is anything: ``sys.exit()`` raises
#: `SystemExit`, and a library its own way to end a greenlet. An `except` clause for it
#: stands behind one that raises an `Interrupted` (``interruption``) again.
FAILURES: Final = BaseException

#: What a library may raise. gevent's timeouts are no `Exception`.
ERRORS: Final = (Exception, gevent.Timeout)
