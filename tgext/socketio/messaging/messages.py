"""The messages of channels as text: JSON, and a form of its own if they have bytes.

A message with bytes is ``binary`` and a space, and then a JSON object:

``message``  the message, with placeholders for bytes as Socket.IO has them on the wire
``binary``   a list of these bytes, in base64

No JSON begins like this, so what other programs publish is never taken for it.
"""

from __future__ import annotations

import base64
from typing import Any, Final

from ..request.jsonify import dumps
from ..wire import json
from ..wire.errors import InvalidJSON, ProtocolError
from ..wire.socketio.binary import put_back, take_out
from ..wire.socketio.unwritable import explain_named

_BINARY: Final = "binary "


def write(message: Any, channel: str) -> str:
    """A message as text.

    :param channel: the name of its channel, for errors.
    :raises TypeError: when it cannot be written as JSON.
    """
    try:
        return _write(message)
    except TypeError as error:
        what = f"channel {channel!r}"
        explained = explain_named(error, what, ["the message"], [message], dumps)
        if explained is None:
            raise
        raise explained from None


def _write(message: Any) -> str:
    try:
        return dumps(message)
    except TypeError:
        attachments: list[bytes] = []
        bare = take_out(message, attachments)
        if not attachments:
            raise
    binary = [base64.b64encode(each).decode() for each in attachments]
    return _BINARY + dumps({"message": bare, "binary": binary})


def read(data: Any) -> Any:
    """The message that a broker delivered.

    :param data: text, or bytes in UTF-8.
    :raises InvalidJSON: when it is neither JSON nor what :func:`write` writes.
    """
    if isinstance(data, (bytes, bytearray, memoryview)):
        try:
            data = bytes(data).decode()
        except UnicodeDecodeError:
            raise InvalidJSON("invalid JSON: not UTF-8") from None
    if not isinstance(data, str):
        raise InvalidJSON(f"invalid JSON: it is {type(data).__name__}")
    if data.startswith(_BINARY):
        return _read_binary(json.loads(data[len(_BINARY) :]))
    return json.loads(data)


def _read_binary(value: Any) -> Any:
    try:
        # A list: the message itself may be one placeholder.
        message = [value["message"]]
        attachments: list[bytes | None] = [
            base64.b64decode(each, validate=True) for each in value["binary"]
        ]
        [message] = put_back(message, attachments)
    except (KeyError, TypeError, ValueError, ProtocolError):
        raise InvalidJSON("invalid bytes in a message") from None
    return message
