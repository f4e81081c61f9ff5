"""A program that makes its packets by hand."""

import logging

from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)

SHAPES = [
    [],
    ["one", "two"],
    ("one", "two"),
    (["one"],),
    {"key": "value", "other": [1, 2]},
    {},
    "text",
    42,
    2.5,
    True,
]


class PacketNamespace(BaseNamespace):
    def on_shapes(self):
        for number, shape in enumerate(SHAPES):
            self.socket.send_packet(
                {
                    "type": "event",
                    "name": "shape %d" % number,
                    "args": shape,
                    "endpoint": self.ns_name,
                }
            )

    def on_bare(self):
        """No args at all."""
        packet = dict(type="event", name="bare", endpoint=self.ns_name)
        self.socket.send_packet(packet)
        log.info("sent %s", sorted(packet))

    def on_main(self):
        """Without an endpoint, it is for the main namespace."""
        self.socket.send_packet(dict(type="event", name="main", args=["here"]))

    def on_reply(self, packet):
        """Answers by itself, and says what it got."""
        seen = dict((key, packet[key]) for key in ("type", "name", "args", "endpoint"))
        self.emit("reply", seen, "id" in packet, packet.get("ack"))
        if "id" in packet:
            return len(packet["args"]), "by hand"

    def on_message(self, text):
        packet = dict(type="message", data=text, endpoint=self.ns_name)
        self.socket.send_packet(packet)

    def on_json(self, value):
        packet = dict(type="json", data=value, endpoint=self.ns_name)
        self.socket.send_packet(packet)

    def on_ack(self, number):
        packet = dict(
            type="ack", ackId=number, args=[number, "late"], endpoint=self.ns_name
        )
        self.socket.send_packet(packet)


namespaces = {"/packets": PacketNamespace, "": PacketNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces)
    start_response("200 OK", [])
    return []
