"""Converts the messages of applications to the content of WebSocket frames."""

from __future__ import annotations

from ...wire.websocket.frames import BINARY, TEXT


def outgoing(message: str | bytes, binary: bool | None) -> tuple[int, bytes]:
    """The opcode and the payload of a message.

    :param binary: whether to send it as bytes or as text; by default text for a
        ``str``, else bytes.
    :raises TypeError: when the message is neither text nor bytes.
    :raises UnicodeDecodeError: when bytes are to be sent as text and are not UTF-8.
    """
    if isinstance(message, str):
        # UTF-8 cannot encode a lone surrogate: `?` replaces it.
        return (BINARY if binary else TEXT), message.encode("utf-8", "replace")
    if not isinstance(message, (bytes, bytearray, memoryview)):
        raise TypeError(
            f"a message is str or bytes, not {type(message).__name__}; "
            "send_json sends other values"
        )
    payload = bytes(message)
    if binary is None or binary:
        return BINARY, payload
    payload.decode()
    return TEXT, payload
