"""Requests of sessions that other processes have: their connections are handed over.

A session id begins with the token of its process. A request that reaches another
process is not answered there: the descriptor of its connection goes over a Unix socket
to the process that has the session, with the bytes that were read. That process goes on
as if it had accepted the connection: its limits hold, with the client's address, it
sees the client leave, and whatever follows (a poll that waits, an endless answer, the
upgrade to a WebSocket) is its own. The next request on the connection may belong to
another process, and is handed over from there.

A connection that is encrypted here cannot be passed on. The other process gets one end
of a pair of sockets, and this one copies between the other end and the client, as long
as the connection lives. A process on another machine gets the request as it is, with a
header that says who the client is, signed with the secret of the application
(:mod:`.signed`), and each request on a connection of its own.

The alternative on one machine is to relay the bytes of each request and of its answer.
It wakes the first process a second time, for the answer; it copies everything twice for
as long as a WebSocket lives; and it has to understand where answers end, and to pass on
that either side has left.

A request is handed over once: the process that takes it answers it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakSet

from gevent.socket import socketpair
from gevent.ssl import SSLSocket

from ..io.descriptors import forget
from ..logs import get_logger
from .internal import Internal, send
from .links import Gone, Link, NotHere, Silent
from .listener import Listener
from .offers import Offer, Origin, write_offer
from .processes import Directory, Process, make_token, token_of
from .signed import Reader

__all__ = ["PATIENCE", "Gone", "HandOver", "InternalOptions", "NotHere", "Silent"]

log = get_logger(__name__)

#: Seconds in which a process has to take a connection.
PATIENCE: Final = 5.0

#: Serves a connection: its gevent socket, where it comes from, what was read of it, and
#: whether it has one request only.
Serve = Callable[[Any, Origin, bytes, bool], object]


@dataclass(frozen=True)
class InternalOptions:
    """How requests of other machines are taken.

    :ivar address: host and port; port 0 for any.
    :ivar max_header_size: the most bytes of the head of a request.
    :ivar header_timeout: seconds that the head may take.
    """

    address: tuple[str, int]
    max_header_size: int
    header_timeout: float


class HandOver:
    """Hands connections over to other processes, and takes theirs.

    :param directory: knows the other processes.
    :param serve: serves a connection in a greenlet of its own.
    :param internal: how requests of other machines are taken; None to take none.

    :ivar token: what the ids of the sessions of this process begin with.
    """

    def __init__(
        self,
        directory: Directory,
        serve: Serve,
        internal: InternalOptions | None = None,
    ) -> None:
        self._directory = directory
        self._serve = serve
        self.token = ""
        self._listener: Listener | None = None
        self._internal_options = internal
        self._internal: Internal | None = None
        #: The connections to processes on other machines, by their tokens.
        self._remote: defaultdict[str, WeakSet[Any]] = defaultdict(WeakSet)
        self._links: dict[str, Link] = {}

    def start(self) -> None:
        """Take connections, and tell the other processes so.

        :raises OSError: when there is no place for a Unix socket.
        """
        self.token = make_token()
        self._listener = Listener(self.token, self._take)
        self._internal = self._listen_to_machines()
        address = None if self._internal is None else self._internal.address
        own = Process(self.token, self._listener.path, address)
        self._directory.open(own, self._forget)

    def _listen_to_machines(self) -> Internal | None:
        options, seal = self._internal_options, self._directory.seal
        if options is None:
            return None
        if seal is None:
            log.warning(
                "Nothing is taken at internal_address: set socketio.cluster_secret, "
                "with which the processes sign what they hand over"
            )
            return None
        reader = Reader(self.token, seal)
        most, seconds = options.max_header_size, options.header_timeout
        return Internal(options.address, reader, self._take_one, most, seconds)

    def close(self) -> None:
        """Hand nothing over any more, and take nothing."""
        if self._listener is not None:
            self._directory.close()
            self._listener.close()
            self._listener = None
        if self._internal is not None:
            self._internal.close()
            self._internal = None
        for each in self._links.values():
            each.close()
        self._links.clear()

    def _take(self, sock: Any, offer: Offer) -> None:
        self._serve(sock, offer.origin, offer.begun, False)

    def _take_one(self, sock: Any, origin: Origin, begun: bytes) -> None:
        self._serve(sock, origin, begun, True)

    def find(self, sid: str) -> Process | None:
        """The other process that a session id names; None if there is none."""
        token = token_of(sid)
        if not token or token == self.token:
            return None
        return self._directory.find(token)

    def give(self, process: Process, sock: Any, origin: Origin, begun: bytes) -> Any:
        """Hand a connection over.

        :param sock: its gevent socket.
        :param origin: where it comes from.
        :param begun: the bytes that were read.
        :returns: None when the other process has the connection, and this one has to
            close it; a gevent socket, if what the client and that process send has to
            be copied, by :func:`.relay.relay`.
        :raises Gone: when the process has ended.
        :raises NotHere: when it is on another machine, or has ended.
        :raises Silent: when it does not take the connection in time.
        """
        offer = Offer(process.token, origin, begun)
        try:
            return self._give_here(process, sock, write_offer(offer))
        except NotHere:
            seal = self._directory.seal
            if process.address is None or seal is None:
                raise
        remote = send(process.address, offer, seal, PATIENCE)
        self._remote[process.token].add(remote)
        return remote

    def _give_here(self, process: Process, sock: Any, offer: bytes) -> Any:
        if not isinstance(sock, SSLSocket):
            self._pass(process, sock, offer)
            return None
        # The keys of an encrypted connection are here: the other process gets the end
        # of another one.
        near, far = socketpair()
        with far:
            try:
                self._pass(process, far, offer)
            except BaseException:
                near.close()
                raise
        return near

    def _pass(self, process: Process, sock: Any, offer: bytes) -> None:
        link = self._links.get(process.path)
        if link is None:
            link = self._links[process.path] = Link(process.path, PATIENCE)
        try:
            link.give(sock.fileno(), offer)
        except NotHere:
            raise
        except Gone:
            self._forget(process)
            raise
        forget(sock)

    def _forget(self, process: Process) -> None:
        link = self._links.pop(process.path, None)
        if link is not None:
            link.close()
        for each in self._remote.pop(process.token, ()):
            each.close()
