"""Reports between the processes of a cluster.

A process with administrators tells the others every two seconds that it looks; these
report to it for some seconds longer. Where nobody looks, nothing is sent.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import gevent

from ...backends.errors import BackendError
from ...engine.logs import get_logger
from ...messaging.sealed import BusMessageError, field_of
from .console import Console
from .reporter import CHANGES, SOCKETS, STATS, Reporter

if TYPE_CHECKING:
    from ...messaging.peers import Peers  # which needs anypubsub

log = get_logger(__name__)

#: Seconds between two messages that somebody looks, and until one holds no longer.
INTERVAL: Final = 2.0
LEASE: Final = 7.0

#: The arguments of the events that another process may report, by their types.
_EVENTS: Final[dict[str, tuple[type | tuple[type, ...], ...]]] = {
    "socket_connected": (dict, str),
    "socket_updated": (dict,),
    "socket_disconnected": (str, str, str, str),
    "room_joined": (str, (str, int), str, str),
    "room_left": (str, (str, int), str, str),
    "event_received": (str, str, list, str),
    "event_sent": (str, str, list, str),
}


class Sharing:
    """Lets the other processes look at the sockets here, and the console at theirs.

    :param name: of the controller and the namespace, the same in every process.
    """

    def __init__(
        self, name: str, peers: Peers, reporter: Reporter, console: Console
    ) -> None:
        self._peers = peers
        self._reporter = reporter
        self._console = console
        self._look, self._report = f"admin look {name}", f"admin report {name}"
        self._looking: Any = None
        peers.on(self._look, self._looked_at)
        peers.on(self._report, self._reported)
        peers.gone.append(self._gone)
        console.opened.append(self._open)
        console.closed.append(self._close)

    # This process looks

    def _open(self) -> None:
        if self._looking is None:
            self._looking = gevent.spawn(self._look_on)

    def _look_on(self) -> None:
        while len(self._console):
            self._tell(self._look, True)
            gevent.sleep(INTERVAL)

    def _close(self) -> None:
        if self._looking is not None:
            self._looking.kill(block=False)
            self._looking = None
        gevent.spawn(self._tell, self._look, False)

    def _reported(self, sender: str, data: Any) -> None:
        kind = field_of(data, "kind", str)
        content: Any
        if kind == STATS:
            content = field_of(data, "content", dict)
        elif kind in (SOCKETS, CHANGES):
            content = [_checked(each) for each in field_of(data, "content", list)]
        else:
            raise BusMessageError("a report is of no known kind")
        self._console.hear(sender, kind, content)

    def _gone(self, peer: str) -> None:
        self._reporter.end_report(peer)
        self._console.gone(peer)

    # Others look

    def _looked_at(self, sender: str, data: Any) -> None:
        if data is True:
            send = partial(self._send, sender)
            self._reporter.report_to(sender, send, LEASE)
        else:
            self._reporter.end_report(sender)

    def _send(self, reader: str, kind: str, content: Any) -> None:
        self._peers.tell(self._report, {"kind": kind, "content": content}, reader)

    def _tell(self, kind: str, data: Any) -> None:
        try:
            self._peers.tell(kind, data)
        except BackendError as error:
            log.debug("Other processes do not know who looks at them: %s", error)


def _checked(change: Any) -> list[Any]:
    if not isinstance(change, list) or not change or not isinstance(change[0], str):
        raise BusMessageError("a change of a socket is invalid")
    types, args = _EVENTS.get(change[0]), change[1:]
    if (
        types is None
        or len(args) != len(types)
        or not all(map(isinstance, args, types))
    ):
        raise BusMessageError("a change of a socket is invalid", change[0])
    if change[0] in ("socket_connected", "socket_updated"):
        _check_socket(args[0], whole=change[0] == "socket_connected")
    return change


def _check_socket(socket: dict[str, Any], whole: bool) -> None:
    fields: dict[str, type] = {"id": str, "nsp": str}
    if whole:
        fields |= {"clientId": str, "transport": str, "rooms": list, "handshake": dict}
        field_of(field_of(socket, "handshake", dict), "time", str)
    for name, kind in fields.items():
        field_of(socket, name, kind)
