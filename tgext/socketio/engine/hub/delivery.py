"""Sends one packet to many sockets, and encodes it once for those that are alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ...wire.json import Dumps
from ...wire.socketio.encoded import Encoded
from ...wire.socketio.generations import Generation
from ...wire.socketio.packet import Packet, ReservedName
from ..io.batcher import Batcher


class Outlet(Protocol):
    """The output of one client."""

    def send(self, encoded: Encoded) -> None:
        """Send a packet, or keep it until the client takes it."""


class Receiver(Protocol):
    """A session, which can be in rooms and receive packets.

    :ivar generation: packets are encoded once for all receivers of one generation
        with the same ``json_dumps``.
    :ivar json_dumps: the application's JSON writer.
    :ivar outbox: where packets are written; None when they go through
        :meth:`send_encoded`, which keeps or drops packets for a client that is not
        admitted.
    """

    generation: Generation
    json_dumps: Dumps

    @property
    def outbox(self) -> Outlet | None: ...

    @property
    def writable(self) -> bool:
        """Whether volatile events are sent to the client: none of its output waits."""

    def encode(self, pkt: Packet) -> Encoded:
        """Encode a packet for the client; raises :class:`TypeError` if that fails."""

    def send_encoded(self, encoded: Encoded, endpoint: str) -> None:
        """Send what :meth:`encode` of this or of a similar receiver returned."""

    @property
    def ended(self) -> bool:
        """Whether the session has ended: it joins no room then."""

    @property
    def _tgsio_user(self) -> str | None:
        """The user of the connection; None when it is anonymous."""

    def _tgsio_id_in(self, endpoint: str) -> str:
        """The public id that the client has in a namespace."""


def deliver(sockets: Iterable[Receiver], packet: Packet, batcher: Batcher) -> None:
    """Send one packet to many sockets. It is encoded once per generation of clients.

    :param batcher: the one of their server: it coalesces the output.
    :raises TypeError: when one of the generations cannot encode the packet, such as
        bytes for 0.9 clients. All others have received it.
    """
    if packet.get("volatile"):
        sockets = [each for each in sockets if each.writable]
    sockets = list(sockets)
    if sockets:
        batcher.hold()
        try:
            _deliver(sockets, packet)
        finally:
            batcher.release_broadcast()


def _deliver(sockets: list[Receiver], packet: Packet) -> None:
    endpoint = packet["endpoint"]
    versions: dict[object, Encoded | TypeError] = {}
    generation: object = None
    dumps: object = None
    encoded: Encoded | TypeError | None = None
    for socket in sockets:
        # Most sockets have the generation of the one before: look it up only once.
        if socket.generation is not generation or socket.json_dumps is not dumps:
            generation, dumps = key = socket.generation, socket.json_dumps
            encoded = versions.get(key)
            if encoded is None:
                encoded = versions[key] = _encode(socket, packet)
        if type(encoded) is not Encoded:
            continue
        if socket.outbox is not None:
            socket.outbox.send(encoded)
        else:
            socket.send_encoded(encoded, endpoint)
    for each in versions.values():
        if isinstance(each, TypeError) and not isinstance(each, ReservedName):
            raise each


def _encode(socket: Receiver, packet: Packet) -> Encoded | TypeError:
    try:
        return socket.encode(packet)
    except TypeError as error:
        return error
