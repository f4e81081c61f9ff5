"""Broadcasts that travel through a log: a process that lost its broker hears them."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any, Final

import gevent

from ..backends.channelnames import OwnName
from ..backends.errors import BackendError
from ..backends.feeds import Heard
from ..backends.logs.entries import Entry, HeardEntry, Log, read_logged
from ..engine.logs import get_logger
from .channels import Channels
from .listening import Plain
from .log import CARRIED, log_of

logger = get_logger(__name__)

#: Seconds after which a process declares its namespaces again.
_AGAIN: Final = 3600.0


class LoggedTopics:
    """Carries broadcasts between processes through the log of their backend.

    A process that lost its broker is given what it missed. Scripts do not know which
    namespaces are logged, so processes declare these in the log. What was published
    without the log nevertheless arrives too.

    :param log: that of the backend.
    :param channels: those of the backend.
    :param namespaces: the topics of the namespaces.
    """

    def __init__(
        self, log: Log, channels: Channels, namespaces: Collection[OwnName] = ()
    ) -> None:
        self._log = log
        self._namespaces = namespaces
        #: The time at which they are declared again.
        self._declare_at = 0.0
        self._plain = Plain(channels)
        self._ears: dict[tuple[str, Heard], tuple[HeardEntry, Heard]] = {}

    def publish(self, topic: OwnName, message: str) -> None:
        """See :class:`.Carrier`."""
        self._log.append(topic, message, CARRIED)

    def listen(self, topic: OwnName, heard: Heard) -> int:
        """See :class:`.Carrier`."""

        def hear_logged(entry: Entry) -> None:
            heard(entry.message)

        def hear_plain(data: Any) -> None:
            if read_logged(data) is None:
                heard(data)
                # The broker has lost what was declared.
                self._declare_at = 0.0
                gevent.spawn(self._try_to_declare)

        self._declare()
        since = self._log.listen(topic, hear_logged)
        try:
            self._plain.listen(topic, hear_plain)
        except BaseException:
            self._log.unlisten(topic, hear_logged)
            raise
        self._ears[topic, heard] = hear_logged, hear_plain
        return since

    def _declare(self) -> None:
        now = time.monotonic()
        if now < self._declare_at:
            return
        self._declare_at = now + _AGAIN
        try:
            for each in self._namespaces:
                self._log.declare(each, CARRIED)
        except BaseException:
            self._declare_at = 0.0
            raise

    def _try_to_declare(self) -> None:
        try:
            self._declare()
        except BackendError as error:
            logger.debug("Namespaces were not declared again: %s", error)

    def unlisten(self, topic: OwnName, heard: Heard) -> None:
        """See :class:`.Carrier`."""
        hear_logged, hear_plain = self._ears.pop((topic, heard))
        self._log.unlisten(topic, hear_logged)
        self._plain.unlisten(topic, hear_plain)


def carrier_of(
    channels: Channels, namespaces: Collection[OwnName]
) -> LoggedTopics | None:
    """Carries broadcasts through the log of a backend; None when it keeps none.

    :param namespaces: the topics of the namespaces.
    """
    log = log_of(channels)
    return None if log is None else LoggedTopics(log, channels, namespaces)
