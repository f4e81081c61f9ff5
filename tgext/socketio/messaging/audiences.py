"""Who hears a channel, and what they are sent."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ..engine.hub.delivery import deliver
from ..engine.hub.observers import Journal
from ..engine.hub.roomkeys import ChannelRoom, SocketRoom
from ..engine.namespaces import emitter
from ..engine.namespaces.client import Client
from ..wire.socketio.packet import Packet, event_packet
from .log import Keep, Position

#: The event that brings a message to the browser, in the original's spelling.
EVENT: Final = "pubblication"


class Told(NamedTuple):
    """A message, and its position if it is in the log."""

    message: Any
    position: Position | None


class Audience(NamedTuple):
    """Listeners that get the same packet.

    :param endpoint: the name of their namespace.
    :param named: whether their events carry the name of the channel.
    :param positioned: whether they carry the position in the log.
    :param journal: keeps what they miss; None if they cannot recover.
    """

    endpoint: str
    named: bool
    positioned: bool
    journal: Journal | None = None

    def packet(self, channel: str, told: Told) -> Packet:
        """The packet that carries a message of a channel."""
        args = [told.message]
        if self.named:
            args.append(channel)
        if self.positioned:
            args.append(None if told.position is None else str(told.position))
        return event_packet(self.endpoint, EVENT, tuple(args))

    def tell(
        self, channel: str, told: Told, sockets: list[Client], others: list[Client]
    ) -> None:
        """Send a message to listeners, and keep it for those who have gone.

        :param sockets: the listeners that are sent it now.
        :param others: those that get it otherwise.
        :raises TypeError: when it cannot be sent to some of them.
        """
        packet = self.packet(channel, told)
        if self.journal is not None:
            place = ChannelRoom(channel)
            without = tuple(map(self._own_room, others))
            position = self.journal.append(place, packet, without)
            if told.position is not None:
                for each in others:
                    self.journal.gets_otherwise(place, each, told.position.number)
            packet = {**packet, "position": str(position)}
            sockets = [each for each in sockets if self.journal.reaches(each)]
        deliver_now(sockets, packet)

    def tell_one(self, socket: Client, packet: Packet) -> None:
        """Send a packet to one listener, which may not read it soon.

        :raises TypeError: when it cannot be sent to it.
        """
        if self.journal is not None:
            position = self.journal.append(self._own_room(socket), packet)
            packet = {**packet, "position": str(position)}
        deliver_now([socket], packet)

    def _own_room(self, socket: Client) -> SocketRoom:
        return SocketRoom(socket._tgsio_id_in(self.endpoint))


class Listener(NamedTuple):
    """A client that listens to a channel, in one of its namespaces.

    :param endpoint: the name of the namespace.
    :param named: whether its events carry the channel as second argument.
    :param owner: the namespace object. If the client leaves a namespace and connects to
        it again, there are two objects. Subscriptions of the second one stay when the
        first one unsubscribes.
    :param positioned: whether its events carry the position as last argument.
    :param keep: the history that its namespace asks for; None for none.
    :param journal: keeps what it misses; None if it cannot recover.
    """

    socket: Client
    endpoint: str
    named: bool
    owner: Any = None
    positioned: bool = False
    keep: Keep | None = None
    journal: Journal | None = None

    @property
    def audience(self) -> Audience:
        """The audience that it belongs to."""
        return Audience(self.endpoint, self.named, self.positioned, self.journal)

    def send(self, packet: Packet, may_wait: bool) -> None:
        """Send a packet to this listener alone.

        :param may_wait: whether to wait for a client that reads slowly.
        :raises TypeError: when it cannot be sent to it.
        """
        if self.journal is not None and (may_wait or self.owner._tgsio_candidate):
            # It is kept, as what the namespace emits.
            emitter.send(self.owner, packet)
        elif may_wait:
            self.socket.send_packet(packet)
        else:
            self.audience.tell_one(self.socket, packet)


def deliver_now(sockets: list[Client], packet: Packet) -> None:
    """Send a packet to many, without waiting."""
    if sockets:
        deliver(sockets, packet, sockets[0].hub.batcher)


def channel_topic(place: ChannelRoom) -> str:
    """The topic of a channel in the log of the backend, given its place."""
    return str.__str__(place)
