"""The address at which processes of other machines hand requests over."""

from __future__ import annotations

from collections.abc import Callable
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Any, Final

import gevent
from gevent.server import StreamServer
from gevent.socket import create_connection

from ...wire.escape import escape
from ..logs import get_logger
from .links import Gone, Silent
from .offers import Offer, OfferError, Origin
from .signed import END, LONGEST, Reader, Seal, sign

log = get_logger(__name__)

_PIECE: Final = 65536

_REFUSAL: Final = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


def send(address: tuple[str, int], offer: Offer, seal: Seal, patience: float) -> Any:
    """Hand a request over to a process of another machine.

    :param patience: seconds for that.
    :returns: the gevent socket on which the answer comes.
    :raises Gone: when nothing listens there.
    :raises Silent: when the machine does not answer in time.
    """
    try:
        sock = create_connection(address, timeout=patience)
    except TimeoutError:
        raise Silent from None
    except OSError:
        raise Gone from None
    try:
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        sock.sendall(sign(offer, seal))
        sock.settimeout(None)
    except TimeoutError:
        sock.close()
        raise Silent from None
    except OSError:
        sock.close()
        raise Gone from None
    return sock


class _Server(StreamServer):
    def do_close(self, sock: Any, *args: Any) -> None:
        """A connection is closed by what serves it."""


class Internal:
    """Listens for requests of other machines.

    :param address: where; with port 0 for any.
    :param reader: checks the requests.
    :param take: serves a connection, and closes it.
    :param most: the most bytes of the head of a request.
    :param seconds: time for the head.

    :ivar address: where it listens.
    :raises OSError: when it cannot listen there.
    """

    def __init__(
        self,
        address: tuple[str, int],
        reader: Reader,
        take: Callable[[Any, Origin, bytes], object],
        most: int,
        seconds: float,
    ) -> None:
        self._reader = reader
        self._take = take
        self._most = most + LONGEST
        self._seconds = seconds
        self._server = _Server(address, self._serve, backlog=1024)
        self._server.start()
        self.address = (address[0], int(self._server.server_port or 0))

    def close(self) -> None:
        """Take no more."""
        self._server.close()

    def _serve(self, sock: Any, address: Any) -> None:
        try:
            sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            origin, begun = self._read(sock)
        except OfferError as error:
            log.warning(
                "Refused a request at the internal address, from %s: %s",
                address[0],
                escape(error, 300),
            )
            self._refuse(sock)
        except OSError:
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            self._take(sock, origin, begun)

    def _read(self, sock: Any) -> tuple[Origin, bytes]:
        data = bytearray()
        late = OfferError("its head takes longer than header_timeout")
        with gevent.Timeout(self._seconds, late):
            while (end := data.find(END)) < 0:
                if len(data) > self._most:
                    raise OfferError("its head is larger than max_header_size")
                piece = sock.recv(_PIECE)
                if not piece:
                    raise OfferError("it is incomplete")
                data += piece
        end += len(END)
        origin, head = self._reader.read(bytes(data[:end]))
        return origin, head + data[end:]

    def _refuse(self, sock: Any) -> None:
        try:
            with gevent.Timeout(self._seconds, False):  # type: ignore[arg-type]
                sock.sendall(_REFUSAL)
        except OSError:
            pass
        finally:
            sock.close()
