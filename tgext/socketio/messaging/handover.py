"""How the processes of a cluster find each other, to hand requests over.

Each tells the others its token, which its session ids begin with, and where it takes
connections. One that starts serves its first client when all others know it, or after a
second: the next request of that client may reach any of them.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import gevent
from gevent.event import Event

from ..backends.backoff import Backoff
from ..backends.errors import BackendError, BackendOptionError
from ..engine.handover.processes import Process, is_token
from ..engine.logs import get_logger
from ..engine.server.server import SocketIOServer
from ..wire.escape import escape
from .cluster import channel_of, clustered, peers_of, secret_of
from .sealed import BusMessageError, Seal, field_of

if TYPE_CHECKING:
    from .peers import Peers

log = get_logger(__name__)

#: Seconds that a process that starts waits until the others know it.
PATIENCE: Final = 1.0

#: The kind of the messages between processes.
_KIND: Final = "sessions"

#: The longest path of a Unix socket has 107 bytes on Linux.
_HOST: Final = re.compile(r"[0-9A-Za-z.:_-]{1,253}")
_PATH: Final = re.compile(r"/[!-~]{1,106}")


def share_sessions(
    server: SocketIOServer, configs: Iterable[Mapping[str, Any]]
) -> None:
    """Hand requests over between the processes that serve the same applications.

    Without ``socketio.cluster``, nothing happens. Call it before the server starts.

    :param configs: the configurations of the applications.
    """
    found = list(clustered(configs))
    if found and hasattr(socket, "send_fds"):  # Windows has none
        server.share_sessions(Announcements(found))


def _seal_of(configs: Iterable[Mapping[str, Any]]) -> Seal | None:
    for each in configs:
        secret = secret_of(each)
        if secret:
            return Seal(f"{channel_of(each)}/{_KIND}", secret)
    return None


class Announcements:
    """Finds the processes of some applications.

    It implements :class:`tgext.socketio.engine.handover.processes.Directory`.

    :param configs: the configurations of the applications. The first that has a
        ``socketio.cluster_secret`` signs what goes to other machines.

    :ivar seal: signs it; None without a secret.
    """

    def __init__(self, configs: Iterable[Mapping[str, Any]]) -> None:
        self._configs = list(configs)
        self.seal = _seal_of(self._configs)
        self._circles: list[Circle] = []
        self._joining: list[gevent.Greenlet[..., Any]] = []

    def open(self, own: Process, gone: Callable[[Process], object]) -> None:
        """Join the other processes; a broker that is away is tried again later."""
        self._joining = [
            gevent.spawn(self._join, each, own, gone) for each in self._configs
        ]
        gevent.joinall(self._joining, timeout=PATIENCE)

    def find(self, token: str) -> Process | None:
        """The process with a token; None if there is none."""
        for each in self._circles:
            found = each.processes.get(token)
            if found is not None:
                return found
        return None

    def close(self) -> None:
        """Leave the other processes."""
        gevent.killall(self._joining)
        while self._circles:
            self._circles.pop().close()

    def _join(
        self,
        config: Mapping[str, Any],
        own: Process,
        gone: Callable[[Process], object],
    ) -> None:
        backoff = Backoff()
        while True:
            try:
                peers = peers_of(config)
                if peers is not None:
                    peers.hold()
                    break
            except BackendOptionError as error:
                log.warning("No requests are handed over to other processes: %s", error)
                return
            except BackendError as error:
                log.debug("The other processes are not known yet: %s", error)
            gevent.sleep(backoff.next())
        circle = Circle(peers, own, gone)
        self._circles.append(circle)
        circle.introduce()


class Circle:
    """The processes that serve one application.

    :param peers: as they are known to each other; held already, released by
        :meth:`close`.
    :param own: this process.
    :param gone: called with each process that has left.

    :ivar processes: the others, by their tokens.
    """

    def __init__(
        self, peers: Peers, own: Process, gone: Callable[[Process], object]
    ) -> None:
        self.processes: dict[str, Process] = {}
        self._peers = peers
        self._own = own
        self._gone = gone
        #: By the ids that the peers have for each other.
        self._known: dict[str, Process] = {}
        self._changed = Event()
        peers.on(_KIND, self._hear)
        peers.came.append(self._came)
        peers.gone.append(self._left)
        peers.returned.append(self._returned)

    def introduce(self) -> None:
        """Tell all others of this process, and wait until they have answered."""
        heard = self._tell("")
        if isinstance(heard, int):  # some brokers do not say
            with gevent.Timeout(PATIENCE, False):  # type: ignore[arg-type]
                while len(self._known) < heard - 1:
                    self._changed.clear()
                    self._changed.wait()

    def close(self) -> None:
        """Stop, and release the peers."""
        peers = self._peers
        peers.on(_KIND, _ignore)
        peers.came.remove(self._came)
        peers.gone.remove(self._left)
        peers.returned.remove(self._returned)
        peers.release()
        self.processes.clear()

    # Messages

    def _tell(self, to: str, answer: bool = True) -> object:
        """Tell a process of this one, or all others; see :meth:`.Peers.tell`.

        :param answer: whether they should tell of themselves.
        """
        token, path, address = self._own.token, self._own.path, self._own.address
        about = {"token": token, "path": path, "address": address, "answer": answer}
        try:
            return self._peers.tell(_KIND, about, to)
        except BackendError as error:
            log.debug("The other processes were not told of this one: %s", error)
            return None

    def _hear(self, sender: str, data: Any) -> None:
        token, path = field_of(data, "token", str), field_of(data, "path", str)
        if not is_token(token):
            raise BusMessageError("its token is invalid", escape(token))
        if not _PATH.fullmatch(path):
            raise BusMessageError("its path is invalid", escape(path))
        address = _address(data.get("address"))
        answer = field_of(data, "answer", bool)
        self._note(sender, Process(token, path, address))
        if answer:
            gevent.spawn(self._tell, sender, answer=False)

    def _note(self, sender: str, process: Process) -> None:
        there = self.processes.get(process.token)
        if process.token == self._own.token or (
            there is not None and self._known.get(sender) is not there
        ):
            raise BusMessageError("its token is that of another process")
        if there != process:
            self._left(sender)
            self.processes[process.token] = self._known[sender] = process
        self._changed.set()

    # Changes

    def _came(self, peer: str) -> None:
        gevent.spawn(self._tell, peer)

    def _returned(self) -> None:
        gevent.spawn(self._tell, "")

    def _left(self, peer: str) -> None:
        process = self._known.pop(peer, None)
        if process is not None:
            del self.processes[process.token]
            self._gone(process)


def _address(value: Any) -> tuple[str, int] | None:
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 2:
        host, port = value
        if isinstance(host, str) and _HOST.fullmatch(host) and type(port) is int:
            return host, port
    raise BusMessageError("its address is invalid", escape(value))


def _ignore(sender: str, data: Any) -> None:
    """The process that was told has ended."""
