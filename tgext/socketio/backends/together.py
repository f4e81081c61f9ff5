"""Work that several greenlets need at the same time, and one of them does."""

from __future__ import annotations

from collections.abc import Callable

from gevent.event import AsyncResult

from .errors import copied


class Together:
    """Work that takes long. One greenlet does it; the others wait for its outcome.

    All get the same outcome. If each tried by itself, one after the other, while the
    broker does not answer, the hundredth would wait a hundred times as long.
    """

    def __init__(self) -> None:
        #: The outcome of the work under way: True, the error, or False if its greenlet
        #: was killed. None without work.
        self._end: AsyncResult[bool | Exception] | None = None

    @property
    def under_way(self) -> bool:
        """Whether a greenlet is working."""
        return self._end is not None

    def do(self, function: Callable[[], object]) -> bool:
        """Call a function, or wait for the call that is under way.

        If the calling greenlet is killed, or its own timeout ends the call, one of the
        waiting greenlets calls the function again.

        :returns: whether this greenlet made the call.
        :raises Exception: what the function raised, also for those that waited.
        """
        while self._end is not None:
            end = self._end.get()
            if isinstance(end, Exception):
                try:
                    raise copied(end)
                finally:
                    del end  # a cycle: its traceback refers to this frame
            if end:
                return False
        result = self._end = AsyncResult()
        end = False
        try:
            function()
            end = True
        except Exception as error:
            end = error
            raise
        finally:
            self._end = None
            result.set(end)
            del end, result
        return True
