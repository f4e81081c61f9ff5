"""What all clients on Engine.IO have in common."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

from ...engineio import v4 as engineio
from ...errors import PacketError
from ...json import Dumps, Loads
from ...limits import Limits
from .. import v5 as socketio
from ..binary import take_out
from ..encoded import Encoded
from ..packet import Packet
from .base import ALIVE, CLOSE, Generation, Opening

#: What nearly all messages begin with.
_EVENT = engineio.MESSAGE + socketio.EVENT

_ACK = engineio.MESSAGE + socketio.ACK
_ACKS = (
    _ACK,
    engineio.MESSAGE + socketio.BINARY_ACK,
)

#: Stands for an escaped backslash while line ends are replaced; no text has it.
_ESCAPED = "\ud800"


class EngineIO(Generation):
    """What clients on Engine.IO have in common."""

    transports = ("polling", "websocket")
    opens_with_transport = True
    upgrades = True
    overlaps = False
    heartbeat_timeout = 20.0
    noop = engineio.NOOP
    post_answer = b"ok"
    jsonp_function = "___eio"

    def opening(self, opening: Opening) -> str:
        return engineio.encode_open(
            opening.sid,
            list(opening.upgrades),
            opening.heartbeat_interval,
            opening.heartbeat_timeout,
            opening.max_message_size,
        )

    def farewell(self, come_back: bool) -> str | None:
        # A client that should not reconnect gets disconnect packets. If the same
        # payload had a close, the client would handle the close first.
        return engineio.CLOSE if come_back else None

    def encode(self, packet: Packet, dumps: Dumps) -> Encoded:
        if packet["type"] == "connect":
            packet = self._connected(packet)
        try:
            return Encoded(self._encode(packet, dumps, engineio.MESSAGE))
        except TypeError:
            # Bytes are not JSON: they may be the reason.
            attachments: list[bytes] = []
            field: Literal["args", "data"] = "args" if "args" in packet else "data"
            rest = take_out(packet.get(field), attachments)
            if not attachments:
                raise
        binary: Packet = {**packet, "attachments": len(attachments)}
        binary[field] = rest
        text = self._encode(binary, dumps, engineio.MESSAGE)
        return Encoded(text, attachments, self.prefix)

    def encode_ack(
        self, endpoint: str, number: int, args: list[Any], dumps: Dumps
    ) -> Encoded:
        try:
            return Encoded(f"{_ACK}{endpoint and endpoint + ','}{number}{dumps(args)}")
        except TypeError:
            return super().encode_ack(endpoint, number, args, dumps)  # bytes?

    def _connected(self, packet: Packet) -> Packet:
        """The packet that tells a client that it is connected to a namespace."""
        return {"type": "connect", "endpoint": packet["endpoint"]}

    #: Writes a packet after a text, as the data of an Engine.IO message.
    _encode: Callable[[Packet, Dumps, str], str]

    def refusal(self, endpoint: str, message: str, data: Any) -> Packet:
        return {"type": "error", "endpoint": endpoint, "reason": message, "data": data}

    def unknown_namespace(self, endpoint: str) -> Packet:
        return self.refusal(endpoint, "Invalid namespace", None)

    #: Reads a packet that begins at a character of a text.
    _decode: Callable[[str, Limits, Loads, int], Packet]

    #: The packets that only show that the client is alive.
    _alive: tuple[str, ...]

    def decode(self, text: str, limits: Limits, loads: Loads) -> Packet:
        if text.startswith(_EVENT):
            packet = socketio.plain_event(text, loads, len(_EVENT))
            if packet is not None:
                return packet
        if text.startswith(engineio.MESSAGE):
            return self._decode(text, limits, loads, 1)
        if text.startswith(engineio.BINARY_MARK):
            return ALIVE
        kind = engineio.check_packet(text)
        if kind == engineio.CLOSE:
            return CLOSE
        if kind in self._alive:
            return ALIVE
        raise PacketError(f"a client must not send Engine.IO packet {kind!r} here")

    def is_base64(self, text: str) -> bool:
        return text.startswith(engineio.BINARY_MARK)

    def is_ack(self, text: str) -> bool:
        return text.startswith(_ACKS)

    def is_close(self, text: str) -> bool:
        return text == engineio.CLOSE

    def closes(self, error: PacketError) -> bool:
        # The reference server ends the connection with the reason "parse error".
        return True

    def form_text(self, text: str) -> str:
        # Clients write a line end as `\n`, and what was `\n` already as `\\n`.
        text = text.replace("\\\\n", _ESCAPED).replace("\\n", "\n")
        return text.replace(_ESCAPED, "\\n")

    def error_body(self, code: int, message: str) -> tuple[str, bytes]:
        error = {"code": code, "message": message}
        return "application/json", json.dumps(error, separators=(",", ":")).encode()
