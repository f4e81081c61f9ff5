"""Bad input of the decoders: each row has the value or the error of the table.

``tests/engine/test_bad_input.py`` sends the same input to a live server.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire.engineio import v3 as engineio_3
from tgext.socketio.wire.engineio import v4 as engineio
from tgext.socketio.wire.errors import ProtocolError
from tgext.socketio.wire.json import Loads
from tgext.socketio.wire.limits import DEFAULT_LIMITS, Limits
from tgext.socketio.wire.socketio import v1 as socketio_1
from tgext.socketio.wire.socketio import v3_4 as socketio_4
from tgext.socketio.wire.socketio import v5 as socketio_5
from tgext.socketio.wire.socketio.binary import Reassembler
from tgext.socketio.wire.socketio.packet import Packet
from tgext.socketio.wire.websocket.close import parse_close
from tgext.socketio.wire.websocket.frames import CLOSE, FrameReader

from ..vectors.bad_input import BAD_INPUT, BYTES, ITEMS
from ..vectors.outcomes import EIO3, EIO4, OLD, Body, Frames, Messages, Nothing, Vector

PACKETS = {EIO3: socketio_4.decode, EIO4: socketio_5.decode}

PAYLOADS: dict[tuple[str, bool], Callable[[bytes, Limits], object]] = {
    (OLD, False): socketio_1.decode_payload,
    (EIO3, False): engineio_3.decode_payload,
    (EIO3, True): engineio_3.decode_binary_payload,
    (EIO4, False): engineio.decode_payload,
}


def read_messages(generation: str, sent: Messages, loads: Loads) -> Packet | None:
    """The packet in messages, the first of which is text."""
    text, *attachments = sent.messages
    assert isinstance(text, str)
    if generation == OLD:
        return socketio_1.decode(text, loads)
    engineio.check_packet(text)
    packet = PACKETS[generation](text, DEFAULT_LIMITS, loads, 1)
    if not attachments:
        return packet
    partial = Reassembler(packet)
    added = [partial.add(each) for each in attachments if isinstance(each, bytes)]
    return added[-1]


def read_frames(sent: Frames) -> None:
    """Read frames, of which at most close frames are valid."""
    for opcode, payload in FrameReader().feed(sent.data):
        assert opcode == CLOSE
        assert isinstance(payload, bytes)
        parse_close(payload)


def read(generation: str, vector: Vector, loads: Loads) -> Any:
    sent = vector.sent
    if isinstance(sent, Messages):
        return read_messages(generation, sent, loads)
    if isinstance(sent, Body):
        decode = PAYLOADS[generation, sent.content_type == BYTES]
        return decode(sent.data, DEFAULT_LIMITS)
    assert isinstance(sent, Frames)
    return read_frames(sent)


@pytest.mark.cites(
    "Engine.IO 4, Protocol 1",
    "Engine.IO 4, Packet encoding 1",
    "Socket.IO 4, CONNECT 1",
    "Socket.IO 5, Sending and receiving data 1",
    "Socket.IO 5, Acknowledgement 2",
)
@pytest.mark.parametrize(
    ("vector", "generation"),
    [
        pytest.param(vector, generation, id=f"{vector.name}-{generation}")
        for vector in BAD_INPUT
        if vector.wire is not Nothing
        for generation in vector.generations
        # Frames are the same for all.
        if not isinstance(vector.sent, Frames) or generation == EIO4
    ],
)
def test_bad_input_is_read_or_refused(vector: Vector, generation: str) -> None:
    packets = isinstance(vector.sent, Messages)
    for loads in (
        [wire_json.loads, wire_json.py_loads] if packets else [wire_json.loads]
    ):
        if not isinstance(vector.wire, type):
            assert read(generation, vector, loads) == vector.wire
            continue
        with pytest.raises(ProtocolError) as caught:
            read(generation, vector, loads)
        assert caught.type is vector.wire
        reason = caught.value.reason
        assert vector.reason in (None, reason)
        # Whatever a peer sends, it neither floods the log nor forges a line of it.
        assert 0 < len(reason) < 160
        assert reason.isprintable()


@pytest.mark.parametrize("item", ITEMS)
def test_what_a_client_may_do_wrong_is_in_the_table(item: str) -> None:
    names = {(vector.name, each) for vector in BAD_INPUT for each in vector.generations}
    assert set(ITEMS[item]) <= names
