"""JSON that processes send to each other, with a signature when they share a secret.

A signature and a space come before the JSON. The signature is the HMAC-SHA256 of the
channel's name, a null byte and the JSON, in hexadecimal.
"""

from __future__ import annotations

import hmac
import re
from typing import Any, Final

from ..request.jsonify import dumps
from ..wire import json
from ..wire.errors import ProtocolError

#: The largest number of bytes of a message.
MOST: Final = 16 * 1024 * 1024

_SIGNED: Final = re.compile(r"[0-9a-f]{64} ")
#: The length of that.
_SIGNATURE: Final = 65


class BusMessageError(ValueError):
    """A message is invalid.

    :param kind: what is wrong, in words that do not depend on the message.
    :param detail: the part of the message that is wrong.
    """

    def __init__(self, kind: str, detail: object = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind


class Seal:
    """Writes and reads the messages of one channel.

    :param channel: the name of the channel; a signature covers it.
    :param secret: the key that signs messages; empty to send and read them unsigned.
        With a key, messages that it did not sign are invalid.
    """

    def __init__(self, channel: str, secret: str = "") -> None:
        self._channel = channel.encode()
        self._secret = secret.encode()

    def write(self, message: dict[str, Any]) -> str:
        """A message as text.

        :raises TypeError: when it cannot be written as JSON.
        :raises ValueError: when it is larger than 16 MiB.
        """
        text = dumps(message)
        data = text.encode()
        if len(data) > MOST:
            raise ValueError(f"a message has {len(data)} bytes, more than {MOST}")
        return f"{self._sign(data)} {text}" if self._secret else text

    def begins(self, data: Any, beginning: str) -> bool:
        """Whether the JSON of a message begins with a text.

        It is not read and its signature is not checked, which takes much longer.
        """
        start = _SIGNATURE if self._secret else 0
        if isinstance(data, bytes):
            return data.startswith(beginning.encode(), start)
        return isinstance(data, str) and data.startswith(beginning, start)

    def read(self, data: Any) -> dict[str, Any]:
        """The message that text of a broker is.

        :raises BusMessageError: when it is not signed with the secret, or no object.
        """
        text = self._verified(_text(data))
        try:
            message = json.loads(text)
        except ProtocolError as error:
            raise BusMessageError("it is not JSON", error.reason) from None
        return message if isinstance(message, dict) else {}

    def _sign(self, data: bytes) -> str:
        return hmac.digest(self._secret, self._channel + b"\0" + data, "sha256").hex()

    def _verified(self, text: str) -> str:
        signature = _SIGNED.match(text)
        if not self._secret:
            if signature:
                raise BusMessageError(
                    "it is signed, and this process has no socketio.cluster_secret"
                )
            return text
        if not signature:
            raise BusMessageError("it is not signed with socketio.cluster_secret")
        payload = text[signature.end() :]
        expected = self._sign(payload.encode("utf-8", "surrogatepass"))
        if not hmac.compare_digest(signature[0][:-1], expected):
            raise BusMessageError("it is signed with another socketio.cluster_secret")
        return payload


def field_of(message: Any, name: str, kind: type) -> Any:
    """A field of an object.

    :raises BusMessageError: when it is missing, or of another type.
    """
    value = message.get(name) if isinstance(message, dict) else None
    if type(value) is not kind:
        raise BusMessageError(f"its field {name} is not a {kind.__name__}")
    return value


#: The ids of processes: parts of the names of channels and tables.
_ID: Final = re.compile(r"[0-9A-Za-z_-]{0,64}")


def id_of(message: Any, name: str) -> str:
    """The id of a process in a field.

    :raises BusMessageError: when it is missing, longer than 64 characters, or has
        others than ASCII letters, digits, ``-`` and ``_``.
    """
    found: str = field_of(message, name, str)
    if not _ID.fullmatch(found):
        raise BusMessageError(f"its field {name} is not the id of a process")
    return found


def sender_of(message: Any) -> str:
    """The id of the process that sent a message; see :func:`id_of`."""
    return id_of(message, "from")


def _text(data: Any) -> str:
    if isinstance(data, (bytes, bytearray, memoryview)):
        if len(data) > MOST + _SIGNATURE:
            raise BusMessageError(f"it is larger than {MOST} bytes")
        try:
            return bytes(data).decode()
        except UnicodeDecodeError:
            raise BusMessageError("it is not UTF-8") from None
    if not isinstance(data, str):
        raise BusMessageError("it is neither text nor bytes", type(data).__name__)
    if len(data) > MOST + _SIGNATURE:
        raise BusMessageError(f"it is larger than {MOST} bytes")
    return data
