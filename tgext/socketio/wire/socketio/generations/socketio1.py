"""Clients 0.9."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, cast

from ...errors import PacketError, PayloadError
from ...json import Dumps, Loads
from ...limits import Limits
from .. import v1 as socketio
from ..binary import BINARY_TYPES, take_out
from ..encoded import Encoded
from ..packet import Packet, event_packet
from .base import ALIVE, CLOSE, Generation, Opening


class SocketIO1(Generation):
    """Clients 0.9."""

    name = "0.9"
    transports = (
        "websocket",
        "htmlfile",
        "xhr-multipart",
        "xhr-polling",
        "jsonp-polling",
    )
    opens_with_transport = False
    upgrades = False
    # A client that gave up on a poll sends the next one, and it never waits for the
    # answer to a POST.
    overlaps = True
    #: With the interval of 25 s, a client is disconnected after 60 s of silence.
    heartbeat_timeout = 35.0
    ping = socketio.HEARTBEAT
    noop = socketio.NOOP
    post_answer = b"1"
    unknown_session = socketio.RECONNECT
    implicit_main = True
    acks_tell = False
    ends_by_closing = True
    sends_early = True
    jsonp_function = "io.j"

    def opening(self, opening: Opening) -> str:
        # "session id : heartbeat timeout : closing timeout : transports" (Handshake).
        silence = opening.heartbeat_interval + opening.heartbeat_timeout
        seconds = f"{max(1, round(silence))}:{round(opening.close_timeout)}"
        return f"{opening.sid}:{seconds}:{','.join(opening.transports)}"

    def farewell(self, come_back: bool) -> str:
        # A client that is disconnected comes back, as from gevent-socketio.
        return socketio.RECONNECT

    def encode(self, packet: Packet, dumps: Dumps) -> Encoded:
        try:
            if isinstance(packet.get("data"), BINARY_TYPES):
                raise TypeError("bytes are not text")
            return Encoded(socketio.encode(packet, dumps))
        except TypeError:
            attachments: list[bytes] = []
            take_out(packet.get("args", packet.get("data")), attachments)
            if attachments:
                text = "a client 0.9 of Socket.IO cannot be sent bytes"
                raise TypeError(text) from None
            raise

    def failure(self, name: str, info: Any) -> None:
        """None, as gevent-socketio answers."""

    def refusal(self, endpoint: str, message: str, data: Any) -> Packet:
        # The client fires `connect_failed` for this reason, and shows no other text.
        return {"type": "error", "endpoint": endpoint, "reason": "unauthorized"}

    def unknown_namespace(self, endpoint: str) -> Packet:
        info = f"The endpoint you tried to connect to doesn't exist: {endpoint}"
        return event_packet(endpoint, "error", ["no_such_namespace", info])

    def decode(self, text: str, limits: Limits, loads: Loads) -> Packet:
        packet = socketio.decode(text, loads)
        kind = packet["type"]
        if kind in ("heartbeat", "noop"):
            return ALIVE
        if kind == "disconnect" and not packet["endpoint"]:
            return CLOSE
        return packet

    def binary(self, frame: bytes) -> bytes:
        raise PayloadError("a 0.9 client must not send binary messages")

    def is_ack(self, text: str) -> bool:
        return text.startswith("6:")

    def is_close(self, text: str) -> bool:
        return text in (socketio.DISCONNECT, socketio.DISCONNECT_ALL)

    def closes(self, error: PacketError) -> bool:
        return False

    def encode_payload(
        self, messages: Sequence[str | bytes], twice: bool = False
    ) -> bytes:
        return socketio.encode_payload(cast("Sequence[str]", messages))

    def decode_payload(
        self, body: bytes, limits: Limits, binary: bool = False
    ) -> Iterator[str]:
        return socketio.iter_payload(body, limits)

    def form_text(self, text: str) -> str:
        # Clients write a JSON string. Other JSON is not parsed: its value could need
        # much memory, or be nested too deep for Python.
        if not text.lstrip().startswith('"'):
            raise ValueError("the field is not a string of JSON")
        return cast(str, json.loads(text))

    def error_body(self, code: int, message: str) -> tuple[str, bytes]:
        return "text/plain; charset=UTF-8", message.encode()
