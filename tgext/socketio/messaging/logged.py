"""Broadcasts that travel through a log: a process that lost its broker hears them."""

from __future__ import annotations

from typing import Any

from ..backends.channelnames import OwnName
from ..backends.feeds import Heard
from ..backends.logs.entries import Entry, HeardEntry, Log, read_logged
from .channels import Channels
from .listening import Plain
from .log import CARRIED, log_of


class LoggedTopics:
    """Carries broadcasts between processes through the log of their backend.

    A process that lost its broker is given what it missed. What was published without
    the log, by a process that does not know the namespace, arrives too.

    :param log: that of the backend.
    :param channels: those of the backend.
    """

    def __init__(self, log: Log, channels: Channels) -> None:
        self._log = log
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

        since = self._log.listen(topic, hear_logged)
        try:
            self._plain.listen(topic, hear_plain)
        except BaseException:
            self._log.unlisten(topic, hear_logged)
            raise
        self._ears[topic, heard] = hear_logged, hear_plain
        return since

    def unlisten(self, topic: OwnName, heard: Heard) -> None:
        """See :class:`.Carrier`."""
        hear_logged, hear_plain = self._ears.pop((topic, heard))
        self._log.unlisten(topic, hear_logged)
        self._plain.unlisten(topic, hear_plain)


def carrier_of(channels: Channels) -> LoggedTopics | None:
    """Carries broadcasts through the log of a backend; None when it keeps none."""
    log = log_of(channels)
    return None if log is None else LoggedTopics(log, channels)
