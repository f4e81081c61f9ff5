"""Positions in events: the last argument, which clients give back."""

from __future__ import annotations

from ...wire.socketio.encoded import Encoded
from ...wire.socketio.packet import EVENTS, Packet, arguments, event_packet


def carries(packet: Packet) -> bool:
    """Whether a packet carries a position.

    The last argument of an event that asks for an ack is the ack's function, which
    clients take for no position.
    """
    return packet["type"] in EVENTS and "id" not in packet


def as_event(packet: Packet) -> Packet:
    """A packet that :func:`carries` a position, as its client receives it."""
    if packet["type"] == "event":
        return packet
    return event_packet(packet["endpoint"], "message", (packet["data"],))


def with_position(packet: Packet, position: str) -> Packet:
    """A packet that :func:`carries` a position, with it."""
    packet = as_event(packet)
    return {**packet, "args": (*arguments(packet), position)}


class Later(Encoded):
    """A packet that is sent when its client has been admitted, with the position then.

    :param packet: it, without a position; it does not change any more.
    :param logged: whether it is kept for a client that loses it.
    """

    __slots__ = ("logged", "packet")

    def __init__(self, encoded: Encoded, packet: Packet, logged: bool) -> None:
        super().__init__(encoded.text, encoded.attachments, encoded.prefix)
        self.packet = packet
        self.logged = logged

    def at(self, position: str) -> Encoded:
        """The packet with a position."""
        # It is a list with a name.
        text = f'{self.text[:-1]},"{position}"]'
        return Encoded(text, self.attachments, self.prefix)
