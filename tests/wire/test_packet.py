"""The packet that every generation decodes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest

from tgext.socketio.wire import socketio_1, socketio_5
from tgext.socketio.wire.packet import Packet, PacketType

from .vectors import (
    SOCKETIO_1_READ,
    SOCKETIO_1_VALID,
    SOCKETIO_5_READ,
    SOCKETIO_5_VALID,
)


@pytest.mark.parametrize(
    ("decode", "text"),
    [
        *(
            pytest.param(socketio_1.decode, vector.text, id=f"0.9: {vector.name}")
            for vector in SOCKETIO_1_VALID + SOCKETIO_1_READ
        ),
        *(
            pytest.param(socketio_5.decode, vector.text, id=f"5: {vector.name}")
            for vector in SOCKETIO_5_VALID + SOCKETIO_5_READ
        ),
    ],
)
def test_a_received_packet_has_a_type_and_an_endpoint_and_declared_fields(
    decode: Callable[[str], dict[str, Any]], text: str
) -> None:
    packet = decode(text)
    assert packet["type"] in get_args(PacketType)
    assert isinstance(packet["endpoint"], str)
    assert packet.keys() <= Packet.__annotations__.keys()


def test_the_types_are_numbered_as_in_the_specification() -> None:
    """Socket.IO 0.9 specification, "Encoding": 0 disconnect to 8 noop."""
    assert get_args(PacketType) == socketio_1.TYPES
    assert [
        socketio_1.decode(f"{number}:::{data}")["type"]
        for number, data in enumerate(
            ["", "", "", "", "1", '{"name":"a"}', "1", "", ""]
        )
    ] == list(get_args(PacketType))
