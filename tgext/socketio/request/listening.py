"""Namespaces whose clients only listen: they are asked again whether they may.

``allow_only`` of a namespace, and ``@require`` of the methods that subscribe to
channels, decide about events. A client that sends none would keep on receiving.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

from ..engine.concurrency.failures import FAILURES, log_failure
from ..engine.concurrency.interruption import Interrupted
from ..engine.logs import get_logger
from .runner import DENIALS, Runner

log = get_logger(__name__)


class Guarded(Protocol):
    """A namespace, as this module uses it."""

    ns_name: str
    _tgsio_candidate: Any
    _tgsio_ended: bool

    @property
    def socket(self) -> Any: ...

    def error(self, error_name: str, error_message: Any) -> None: ...

    def disconnect(self, silent: bool = False) -> None: ...

    def _tgsio_ask_again(self) -> None:
        """End what the client may not have any more; called as an event."""


class Listening:
    """Asks about one namespace of a client, when :class:`.Rechecks` says so.

    :param namespace: the namespace, which keeps this object.

    :ivar asked: when its requirements were asked last.
    """

    def __init__(self, namespace: Guarded) -> None:
        self._namespace = namespace
        self.asked = time.monotonic()
        runner = namespace.socket.runner
        if isinstance(runner, Runner):
            runner.application.rechecks.add(self)

    @property
    def ended(self) -> bool:
        """Whether the client has left the namespace."""
        namespace = self._namespace
        return bool(namespace._tgsio_ended or namespace.socket.ended)

    def ask_again(self) -> bool:
        """Do what an event would do if the client may not stay.

        :returns: whether that could be found out. Failures are in the log.
        """
        namespace = self._namespace
        socket = namespace.socket
        if namespace._tgsio_candidate is not None or not socket.connected:
            return True
        try:
            socket.runner.run(namespace._tgsio_ask_again)
        except Interrupted:
            raise
        except DENIALS as denial:
            namespace.error("method_access_denied", str(denial))
            namespace.disconnect()
        except FAILURES:
            if self.ended:
                return True  # its user is another
            message = "Asking session %s again whether it may stay in %s failed"
            log_failure(log, message, socket.log_name, namespace.ns_name or "/")
            return False
        self.asked = time.monotonic()
        return True

    def give_up(self, times: int) -> None:
        """Disconnect a client of which nobody can tell whether it may stay.

        :param times: how often asking has failed.
        """
        namespace = self._namespace
        log.warning(
            "Disconnected session %s from %s: asking whether it may stay (allow_only, "
            "@require) failed %d times in a row, and succeeded for others; see the "
            "failures above",
            namespace.socket.log_name,
            namespace.ns_name or "/",
            times,
        )
        namespace.disconnect()
