"""Looking on at the calls of a method of one object, for a while.

The class, and all its other objects, are left alone: who is not looked at pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...engine.concurrency.failures import ERRORS
from ...engine.logs import get_logger

log = get_logger(__name__)


class Tap:
    """Calls a function before each call of a method, until it is removed.

    :param owner: the object whose method it is.
    :param name: the name of the method.
    :param look: called with the arguments. What it raises is logged.
    """

    __slots__ = ("_covered", "_look", "_name", "_owner", "_tapped")

    def __init__(self, owner: Any, name: str, look: Callable[..., object]) -> None:
        own: dict[str, Any] = vars(owner)
        self._owner, self._name, self._look = owner, name, look
        #: What the object itself had, such as another tap.
        self._covered = own.get(name)
        method = getattr(owner, name)

        def tapped(*args: Any, **kwargs: Any) -> Any:
            try:
                look(*args, **kwargs)
            except ERRORS:
                log.exception("Showing %s to an administrator failed", name)
            return method(*args, **kwargs)

        own[name] = self._tapped = tapped

    def remove(self) -> None:
        """End it. No effect when something else has replaced the method since."""
        own: dict[str, Any] = vars(self._owner)
        if own.get(self._name) is not self._tapped:
            return
        if self._covered is None:
            del own[self._name]
        else:
            own[self._name] = self._covered
