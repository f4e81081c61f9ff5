"""The targets of fuzzing, and the properties that they check.

A target takes any bytes. It checks that a decoder returns a value or raises a protocol
error, that a decoded value can be encoded and decoded again to the same value, and that
the C helpers and Python agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire import masking
from tgext.socketio.wire.engineio import v3 as engineio_3
from tgext.socketio.wire.engineio import v4 as engineio
from tgext.socketio.wire.errors import InvalidJSON, ProtocolError
from tgext.socketio.wire.limits import DEFAULT_LIMITS, Limits
from tgext.socketio.wire.socketio import v1 as socketio_1
from tgext.socketio.wire.socketio import v3_4 as socketio_4
from tgext.socketio.wire.socketio import v5 as socketio_5
from tgext.socketio.wire.socketio.binary import Reassembler, take_out
from tgext.socketio.wire.socketio.packet import Packet
from tgext.socketio.wire.websocket import frames as websocket
from tgext.socketio.wire.websocket.close import encode_close, parse_close

from ..engine.smuggling import WAYS, compare
from ..vectors.bad_input import BAD_INPUT
from ..vectors.engineio_3 import ENGINEIO_3_DIALECTS, ENGINEIO_3_PAYLOADS
from ..vectors.outcomes import Body, Frames, Messages
from ..vectors.smuggling import AFTER, TRICKS, request
from ..vectors.socketio_1 import (
    SOCKETIO_1_PAYLOADS,
    SOCKETIO_1_PAYLOADS_READ,
    SOCKETIO_1_READ,
    SOCKETIO_1_VALID,
)
from ..vectors.socketio_5 import (
    SOCKETIO_4_READ,
    SOCKETIO_4_VALID,
    SOCKETIO_5_READ,
    SOCKETIO_5_VALID,
)

#: Small, so that the limits are met too.
LIMITS = Limits(max_message_size=2000, max_attachments=4)


def outcome(read: Callable[[], Any]) -> Any:
    """A value, or the class of a protocol error."""
    try:
        return read()
    except ProtocolError as error:
        refusal = error
    assert 0 < len(refusal.reason) < 160, refusal.reason
    assert refusal.reason.isprintable(), refusal.reason
    return type(refusal)


def text_of(data: bytes) -> str:
    """Any text, with lone surrogates too, which JSON can express."""
    return data.decode("utf-8", "surrogatepass" if b"\xed" in data else "replace")


def is_text(data: bytes) -> bool:
    try:
        text_of(data)
    except UnicodeDecodeError:
        return False
    return True


def same(one: Any, other: Any) -> bool:
    """Equal, where integers past 64 bits may have become floats, as in JavaScript, and
    what is past a float was written as null, as there.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            same(value, other[key]) for key, value in one.items()
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if one is None and isinstance(other, float):
        return math.isinf(other)
    if isinstance(one, float) != isinstance(other, float):
        return _past_64_bits(one, other) or _past_64_bits(other, one)
    return type(one) is type(other) and bool(one == other)


def _past_64_bits(number: Any, approximation: Any) -> bool:
    if type(number) is not int or -(2**63) <= number < 2**64:
        return False
    try:
        return float(number) == approximation
    except OverflowError:
        return False


# Packets


def _packet(
    data: bytes,
    decode: Callable[[str, Any], Packet],
    encode: Callable[[Packet], str],
) -> None:
    if not is_text(data):
        return
    text = text_of(data)
    packet = outcome(lambda: decode(text, wire_json.loads))
    other = outcome(lambda: decode(text, wire_json.py_loads))
    assert same(packet, other), (packet, other)
    if isinstance(packet, dict) and "qs" not in packet:
        again = decode(encode(packet), wire_json.loads)
        assert same(again, packet), (again, packet)


def packets_1(data: bytes) -> None:
    _packet(data, _decode_1, socketio_1.encode)


def _decode_1(text: str, loads: Any) -> Packet:
    packet = socketio_1.decode(text, loads)
    if packet["type"] not in ("connect", "message", "json", "event"):
        # Of the others an id says nothing, and is not written.
        packet.pop("id", None)
        packet.pop("ack", None)
    return packet


def packets_4(data: bytes) -> None:
    _packet(
        data,
        lambda text, loads: socketio_4.decode(text, LIMITS, loads),
        socketio_4.encode,
    )


def packets_5(data: bytes) -> None:
    _packet(
        data,
        lambda text, loads: socketio_5.decode(text, LIMITS, loads),
        socketio_5.encode,
    )


def attachments(data: bytes) -> None:
    """A packet and its attachments, separated by 0xFF."""
    head, *rest = data.split(b"\xff")
    packet = outcome(lambda: socketio_5.decode(head.decode("utf-8", "replace"), LIMITS))
    if not isinstance(packet, dict) or not packet.get("attachments"):
        return
    whole = outcome(lambda: _reassembled(packet, rest))
    if isinstance(whole, dict):
        found: list[bytes] = []
        args = take_out(whole["args"], found)
        assert len(found) <= len(rest)
        again: Packet = {**whole, "args": args, "attachments": len(found)}
        again = socketio_5.decode(socketio_5.encode(again), LIMITS)
        if found:
            again = _reassembled(again, found) or {}
        else:
            again = Reassembler(again).packet()
        assert same(again["args"], _without_places(whole["args"])), (again, whole)


def _without_places(value: Any) -> Any:
    """A value without the placeholder's key, which is removed beside bytes."""
    if isinstance(value, dict):
        return {
            key: _without_places(each)
            for key, each in value.items()
            if key != "_placeholder"
        }
    return [_without_places(each) for each in value] if type(value) is list else value


def _reassembled(packet: Packet, rest: list[bytes]) -> Packet | None:
    partial = Reassembler(packet, LIMITS)
    for each in rest:
        whole = partial.add(each)
        if whole is not None:
            return whole
    return None


# Payloads


def payloads_1(data: bytes) -> None:
    found = outcome(lambda: socketio_1.decode_payload(data, LIMITS))
    if isinstance(found, list):
        body = socketio_1.encode_payload(found)
        # A single packet that begins with the mark would be taken for a frame.
        if len(found) > 1 or not found[0].startswith(socketio_1.FRAME):
            assert socketio_1.decode_payload(body, DEFAULT_LIMITS) == found


def payloads_4(data: bytes) -> None:
    found = outcome(lambda: engineio.decode_payload(data, LIMITS))
    if isinstance(found, list):
        body = engineio.encode_payload(found)
        # Bytes are written with their padding, and may take more than they did.
        assert engineio.decode_payload(body, DEFAULT_LIMITS) == found


def payloads_3(data: bytes) -> None:
    found = outcome(lambda: engineio_3.decode_payload(data, LIMITS))
    if isinstance(found, list):
        # What is not ASCII, is escaped in JSON alone.
        if all(isinstance(each, bytes) or each.isascii() for each in found):
            body = engineio_3.encode_payload(found)
            assert engineio_3.decode_payload(body, DEFAULT_LIMITS) == found
        _binary_payload(found)


def binary_payloads_3(data: bytes) -> None:
    found = outcome(lambda: engineio_3.decode_binary_payload(data, LIMITS))
    if isinstance(found, list):
        _binary_payload(found)


def _binary_payload(packets: list[str | bytes]) -> None:
    body = engineio_3.encode_binary_payload(packets)
    again = engineio_3.decode_binary_payload(body, DEFAULT_LIMITS)
    for one, other in zip(packets, again, strict=True):
        # Half a surrogate pair has no UTF-8.
        assert one == other or not isinstance(one, str) or not _encodes(one)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# Frames


def frames(data: bytes) -> None:
    """The messages and the error do not depend on the pieces in which data arrives."""
    whole = _frames([data])
    assert _frames([data[at : at + 1] for at in range(len(data))]) == whole
    middle = len(data) // 2
    assert _frames([data[:middle], data[middle:]]) == whole
    for opcode, payload in whole[0]:
        if opcode == websocket.CLOSE:
            close = outcome(lambda: parse_close(payload))  # noqa: B023
            if isinstance(close, tuple) and payload:
                reader = websocket.FrameReader(masked=False)
                sent = list(reader.feed(encode_close(*close)))
                assert sent == [(opcode, payload)]


def _frames(pieces: list[bytes]) -> tuple[list[Any], type[ProtocolError] | None]:
    """The messages, and the error that ended them."""
    reader = websocket.FrameReader(200)
    messages: list[Any] = []

    def feed() -> None:
        for piece in pieces:
            messages.extend(reader.feed(piece))

    error = outcome(feed)
    return messages, error


def masks(data: bytes) -> None:
    mask, payload = data[:4].ljust(4, b"\0"), data[4:]
    masked = masking.apply_mask(payload, mask)
    assert masked == masking.py_apply_mask(payload, mask)
    assert masking.apply_mask(masked, mask) == payload


# HTTP


def requests(data: bytes) -> None:
    """A stream of requests is read as by h11, or refused. Its first byte is the way."""
    if data:
        how, stream = data[0], data[1:]
        size = len(stream) // (how // len(WAYS) % 8 + 1) + 1
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        compare(stream, pieces, WAYS[how % len(WAYS)])


# JSON


def json(data: bytes) -> None:
    if not is_text(data):
        return
    text = text_of(data)
    value = outcome(lambda: wire_json.loads(text))
    other = outcome(lambda: wire_json.py_loads(text))
    if InvalidJSON in (value, other):
        assert value is other, (value, other)
        return
    assert same(value, other), (value, other)
    written = wire_json.dumps(value)
    assert same(wire_json.loads(written), value), (written, value)
    assert same(wire_json.py_loads(wire_json.py_dumps(value)), value), value


class Target(NamedTuple):
    """A decoder, and its first inputs."""

    run: Callable[[bytes], None]
    seeds: list[bytes]


def _seeds(kind: type, *generations: str) -> list[bytes]:
    found = []
    for vector in BAD_INPUT:
        if type(vector.sent) is kind and set(generations) & set(vector.generations):
            found.append(_bytes_of(vector.sent))
    return found


def _bytes_of(sent: Any) -> bytes:
    if isinstance(sent, Messages):
        parts = [
            each if isinstance(each, bytes) else each.encode("utf-8", "surrogatepass")
            for each in sent.messages
        ]
        # Without the type of an Engine.IO message.
        parts[0] = parts[0].removeprefix(b"4")
        return b"\xff".join(parts)
    data: bytes = sent.data
    return data


def _texts(vectors: list[Any]) -> list[bytes]:
    return [each.text.encode() for each in vectors]


NEW = _seeds(Messages, "EIO3", "EIO4")
PACKETS_5 = _texts(SOCKETIO_5_VALID + SOCKETIO_5_READ)
OLD_BODIES = [each.data for each in SOCKETIO_1_PAYLOADS + SOCKETIO_1_PAYLOADS_READ]

TARGETS: dict[str, Target] = {
    "packets_1": Target(
        packets_1,
        _texts(SOCKETIO_1_VALID + SOCKETIO_1_READ) + _seeds(Messages, "0.9"),
    ),
    "packets_4": Target(
        packets_4, _texts(SOCKETIO_4_VALID + SOCKETIO_4_READ) + PACKETS_5 + NEW
    ),
    "packets_5": Target(packets_5, PACKETS_5 + NEW),
    "attachments": Target(attachments, PACKETS_5 + NEW),
    "payloads_1": Target(payloads_1, OLD_BODIES + _seeds(Body, "0.9")),
    "payloads_3": Target(
        payloads_3,
        [each.data for each in ENGINEIO_3_PAYLOADS]
        + [each.once for each in ENGINEIO_3_DIALECTS]
        + [each.twice for each in ENGINEIO_3_DIALECTS]
        + _seeds(Body, "EIO3"),
    ),
    "binary_payloads_3": Target(
        binary_payloads_3,
        [each.binary for each in ENGINEIO_3_DIALECTS] + _seeds(Body, "EIO3"),
    ),
    "payloads_4": Target(payloads_4, _seeds(Body, "EIO4")),
    "frames": Target(frames, _seeds(Frames, "EIO4")),
    "requests": Target(
        requests,
        [
            bytes([number % 256]) + AFTER + request(*trick) + AFTER
            for number, trick in enumerate(TRICKS.values())
        ],
    ),
    "masks": Target(masks, [b"\x37\xfa\x21\x3dHello"]),
    "json": Target(
        json,
        [b'{"a":[1.5,true,null,"\\ud83d"]}', b"[1e400,-0]", b"18446744073709551616"],
    ),
}
