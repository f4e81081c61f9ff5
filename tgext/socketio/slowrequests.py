"""backlash's reports of slow requests (``trace_slowreqs.``), which are greenlets here.

backlash finds the stack of a slow request by the id of its thread, among those that
``sys._current_frames()`` has. That function knows nothing of greenlets.
"""

from __future__ import annotations

import sys
import threading
import time
from types import FrameType
from typing import Any
from weakref import WeakValueDictionary

from greenlet import getcurrent, greenlet

__all__ = ["patch_backlash"]

#: The greenlets of requests, by the id of the thread that each one is.
_greenlets: WeakValueDictionary[int, greenlet] = WeakValueDictionary()


def patch_backlash() -> None:
    """Make backlash report the slow requests of greenlets, if it is installed."""
    try:
        import backlash
        from backlash import frtools
    except ImportError:
        return
    frtools.sys = _System()
    backlash.TraceSlowRequestsMiddleware = _make_middleware(
        backlash.TraceSlowRequestsMiddleware
    )


class _System:
    """:mod:`sys`, as backlash sees it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)

    def _current_frames(self) -> dict[int, FrameType]:
        """The frames of all threads and of the greenlets of requests."""
        frames = sys._current_frames()
        for ident, each in list(_greenlets.items()):
            frame = each.gr_frame if each is not getcurrent() else sys._getframe()
            if frame is not None:
                frames[ident] = frame
        return frames


def _make_middleware(base: Any) -> Any:
    class TraceSlowRequestsMiddleware(base):
        @classmethod
        def _get_thread_id(cls) -> int:
            ident = threading.get_ident()
            _greenlets[ident] = getcurrent()
            return ident

        def _cancel_tracing(self, environ: dict[str, Any]) -> None:
            """Cancel the report, or make it now if it is due already.

            A request that never waited, or waited in C, has let no other greenlet run,
            not even the one that reports.
            """
            jobs = environ.get("BACKLASH_SLOW_TRACING_JOBS", ())
            now = time.time()
            due = [job for job, when in self.timer._jobs if job in jobs and when <= now]
            super()._cancel_tracing(environ)
            for each in due:
                each.run()

        def peek(self, environ: dict[str, Any], *args: Any) -> None:
            """Report a request, except one whose WebSocket is open: it may last."""
            if not getattr(environ.get("wsgi.websocket"), "accepted", False):
                super().peek(environ, *args)

    return TraceSlowRequestsMiddleware
