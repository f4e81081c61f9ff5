"""Which channels have a history, and publishing on them.

Namespace classes ask for a history. Whoever else publishes, such as a page or a script,
does not know of it, so the process that listens to a channel declares its history in
the log, where publishers find it.

Consistency: the history of a channel holds what was published since it was first
declared or asked for by a publisher. What other programs publish on the broker reaches
the listeners, but is not in the history.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import gevent

from ..backends import feeds
from ..backends.errors import BackendError
from ..engine.logs import get_logger
from ..wire.escape import escape
from .log import Keep, Log, has_shared_log, log_of_backend
from .throttle import ThrottledWarnings

if TYPE_CHECKING:
    from anypubsub.interfaces import PubSub

__all__ = ["Histories", "at_least", "keep_of"]

log = get_logger(__name__)

#: Seconds after which a publisher declares the same history again.
_AGAIN: Final = 3600.0

#: Channels of which a process knows when it declared them.
_KNOWN: Final = 10_000


class Histories:
    """The histories of the channels of one backend.

    :ivar are_used: whether any namespace of the process asks for a history. If none
        does, publishing costs what it costs without histories.
    """

    are_used = False

    def __init__(self, backend: PubSub) -> None:
        self._backend = backend
        self._has_warned = False
        self._warnings = ThrottledWarnings(log)
        #: The history that was declared for a channel, and when.
        self._declared: dict[str, tuple[Keep, float]] = {}

    def log_for(self) -> Log | None:
        """The log. If the backend has none, the first call warns."""
        found = log_of_backend(self._backend)
        if found is None and not self._has_warned:
            self._has_warned = True
            log.warning(
                "Channels have no history with %s: a history is kept only with "
                "anypubsub.backend = redis or memory. They work as without one.",
                type(self._backend).__module__,
            )
        return found

    @property
    def are_shared(self) -> bool:
        """Whether all processes of the application have one log."""
        return has_shared_log(self._backend)

    def declare(self, name: str, keep: Keep) -> None:
        """Tell all processes the history of a channel.

        :raises BackendError: when the broker does not accept it.
        """
        Histories.are_used = True
        found, now = self.log_for(), time.monotonic()
        known, until = self._declared.get(name, (None, now))
        if found is None or (known == keep and now < until):
            return
        found.declare(name, keep)
        if len(self._declared) >= _KNOWN:
            self._declared.clear()
        self._declared[name] = keep, now + _AGAIN

    def publish(
        self, name: str, text: str, keep: Keep | None = None, key: str | None = None
    ) -> None:
        """Publish a message; see :meth:`.channels.Channels.send`."""
        wanted = keep is not None or key is not None
        found = self.log_for() if wanted else log_of_backend(self._backend)
        if found is None:
            if key is not None:
                raise ValueError("key= needs a history, which this backend cannot keep")
            feeds.publish(self._backend, name, text)
        elif keep is not None:
            found.append(name, text, keep, key)
        else:
            found.publish(name, text, key)

    def miss(self, name: str, keep: Keep) -> None:
        """A message of a channel was published without its history."""
        self._warnings.warn(
            "missed",
            f"A message of channel '{escape(name)}' is not in its history: another "
            "program published it, or the broker had lost what it knew of the "
            f"channel. Use tgext.socketio.pubsub.publish, with history={keep.most}.",
        )
        declared = self._declared.pop(name, None)
        if declared is not None:
            gevent.spawn(self._declare_again, name, keep)

    def _declare_again(self, name: str, keep: Keep) -> None:
        try:
            self.declare(name, keep)
        except BackendError as error:
            log.debug("A history was not declared again: %s", error)


def keep_of(history: object, ttl: object) -> Keep | None:
    """The history that attributes of a class ask for; they may be an application's.

    :param history: the number of messages.
    :param ttl: the number of seconds.
    :returns: None unless both are numbers above 0.
    """
    if type(history) is not int or type(ttl) not in (int, float):
        return None
    seconds = float(ttl)  # type: ignore[arg-type]
    return Keep(history, seconds) if history > 0 and seconds > 0 else None


def at_least(keep: Keep | None, least: Keep) -> Keep:
    """A history that has as many messages as two others, for as long."""
    if keep is None:
        return least
    return Keep(max(keep.most, least.most), max(keep.seconds, least.seconds))
