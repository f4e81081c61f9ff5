"""What several ask for at the same time, and one of them does for all."""

from __future__ import annotations

from collections.abc import Callable

from gevent.event import AsyncResult


class Together:
    """Something that takes its time, and that whoever needs it meanwhile waits for.

    How it ends is how it ends for all of them: were each to try anew, a broker that
    does not answer would keep the hundredth waiting a hundred times as long.
    """

    def __init__(self) -> None:
        #: Of what is under way: True, the error, or False where its greenlet was ended.
        self._end: AsyncResult[bool | Exception] | None = None

    @property
    def under_way(self) -> bool:
        """Whether somebody is at it."""
        return self._end is not None

    def do(self, function: Callable[[], object]) -> bool:
        """Call a function, or wait for the call that is under way.

        Where who called it was ended from outside, as by a kill or a timeout of its
        own, one of those who wait calls it in turn.

        :returns: whether the call was ours.
        :raises Exception: what the function raised, also for those who waited.
        """
        while self._end is not None:
            end = self._end.get()
            if isinstance(end, Exception):
                try:
                    # What others have raised it through is none of ours.
                    raise end.with_traceback(None)
                finally:
                    del end  # its traceback leads here
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
