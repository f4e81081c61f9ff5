"""Binary attachments: taking bytes out of a packet, and putting them back in.

https://github.com/socketio/socket.io-protocol, revisions 3 to 5, "Packet encoding": the
JSON of a packet has ``{"_placeholder":true,"num":0}`` where bytes were, and the bytes
follow in messages of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..depth import deep
from ..errors import PacketError
from ..limits import DEFAULT_LIMITS, Limits
from .packet import Packet

BINARY_TYPES = (bytes, bytearray, memoryview)

#: The key by which clients recognise a placeholder.
_MARK = "_placeholder"


def take_out(value: Any, attachments: list[bytes]) -> Any:
    """A copy of ``value`` with placeholders for bytes, which go to ``attachments``.

    Bytes are found in lists, tuples and dicts. The key of a placeholder is removed from
    every dict. A client could send a false placeholder, and receivers would end their
    connections because its attachment does not exist.

    :raises TypeError: when it is nested too deep.
    """
    known = len(attachments)
    try:
        try:
            return _take_out(value, attachments)
        except RecursionError:
            del attachments[known:]
            return deep(_take_out, value, attachments)
    except RecursionError:
        raise TypeError("nested too deep to be written as JSON") from None


def _take_out(value: Any, attachments: list[bytes]) -> Any:
    if isinstance(value, BINARY_TYPES):
        attachments.append(bytes(value))
        return {_MARK: True, "num": len(attachments) - 1}
    if isinstance(value, dict):
        return {
            key: _take_out(item, attachments)
            for key, item in value.items()
            if key != _MARK
        }
    if isinstance(value, (list, tuple)):
        return [_take_out(item, attachments) for item in value]
    return value


def put_back(value: Any, attachments: list[bytes | None]) -> Any:
    """``value`` with the bytes in place of their placeholders; changes both.

    Each attachment can be named once, as all clients do. A packet that names one a
    thousand times would become a thousand times as large when it is broadcast.

    :raises PacketError: when a placeholder names an attachment that is missing, or was
        named before; or when it is nested too deep.
    """
    try:
        try:
            return _put_back(value, attachments)
        except RecursionError:
            # This continues: the placeholders found so far are replaced already.
            return deep(_put_back, value, attachments)
    except RecursionError:
        raise PacketError("the packet is nested too deep") from None


def _put_back(value: Any, attachments: list[bytes | None]) -> Any:
    if isinstance(value, list):
        for index, item in enumerate(value):
            value[index] = _put_back(item, attachments)
    elif isinstance(value, dict):
        if value.get(_MARK) is True:
            return _attachment(value.get("num"), attachments)
        for key, item in value.items():
            value[key] = _put_back(item, attachments)
    return value


def _attachment(number: Any, attachments: list[bytes | None]) -> bytes:
    if type(number) is not int or not 0 <= number < len(attachments):
        raise PacketError(f"attachment {number!r:.20} does not exist")
    attachment, attachments[number] = attachments[number], None
    if attachment is None:
        raise PacketError(f"attachment {number} is named twice")
    return attachment


class Reassembler:
    """Collects the attachments of one packet.

    :param packet: the decoded packet, with its number of ``attachments``.
    :param anew: decodes the packet again when all attachments have arrived. Until then
        only the text is kept: values may need many times the memory of their JSON.
    """

    def __init__(
        self,
        packet: Packet,
        limits: Limits = DEFAULT_LIMITS,
        anew: Callable[[], Packet] | None = None,
    ) -> None:
        self._anew: Callable[[], Packet] = anew or (lambda: packet)
        self._missing = packet["attachments"]
        self._room = limits.attachments_size
        self._attachments: list[bytes | None] = []

    def add(self, data: bytes) -> Packet | None:
        """Take the next attachment.

        :returns: the packet, when this was the last.
        :raises PacketError: when the attachments together exceed
            ``max_attachments_size``, or a placeholder names a missing one.
        """
        self._room -= len(data)
        if self._room < 0:
            raise PacketError(
                "the attachments together are larger than max_attachments_size"
            )
        self._attachments.append(data)
        if len(self._attachments) < self._missing:
            return None
        return self.packet()

    def packet(self) -> Packet:
        """The packet with its attachments in place."""
        packet = self._anew()
        packet["args"] = put_back(packet["args"], self._attachments)
        return packet
