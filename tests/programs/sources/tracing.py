"""Sees all packets and calls: `process_packet` and `call_method` overridden."""

import logging

from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class TracingNamespace(BaseNamespace):
    def process_packet(self, packet):
        log.info("packet %s %s", packet["type"], packet.get("name"))
        return super(TracingNamespace, self).process_packet(packet)

    def call_method_with_acl(self, method_name, packet, *args):
        log.info("check %s%r", method_name, args)
        return super(TracingNamespace, self).call_method_with_acl(
            method_name, packet, *args
        )

    def call_method(self, method_name, packet, *args):
        log.info("call %s", method_name)
        result = super(TracingNamespace, self).call_method(method_name, packet, *args)
        log.info("called %s: %r", method_name, result)
        return result

    def is_method_allowed(self, method_name):
        return not method_name.startswith("on_no")

    def on_ask(self, value):
        self.emit("question", value, callback=self.answered)
        return value

    def answered(self, value):
        log.info("answered %r", value)
        self.emit("thanks")

    def on_no_entry(self):
        pass

    def recv_message(self, data):
        self.send(data)


class SwitchNamespace(BaseNamespace):
    """Rewrites events before they are handled."""

    def process_event(self, packet):
        if packet["name"].startswith("v1:"):
            packet["name"] = packet["name"][3:]
            packet["args"] = [packet["args"]]
        return super(SwitchNamespace, self).process_event(packet)

    def on_sum(self, numbers):
        return sum(numbers)


namespaces = {"/tracing": TracingNamespace, "/switch": SwitchNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces)
    start_response("200 OK", [])
    return []
