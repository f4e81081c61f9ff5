"""Encoded packets: frames are made once, for any number of connections."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire.socketio.encoded import Encoded, as_text_frame, message_size
from tgext.socketio.wire.websocket.frames import FrameReader

from ..strategies import MANY


def test_a_frame_is_made_once_however_many_it_goes_to() -> None:
    encoded = Encoded("hällo", [b"1"])
    assert encoded.frame is encoded.frame
    assert encoded.text_frame is encoded.text_frame


def test_a_packet_and_its_attachments_are_frames_of_their_own() -> None:
    encoded = Encoded("a", [b"1", b"22"], b"\x04")
    assert encoded.frame == b"\x81\x01a" + b"\x82\x02\x041" + b"\x82\x03\x0422"


@pytest.mark.parametrize(
    ("prefix", "frame"), [(b"", b"\x81\x05bMQ=="), (b"\x04", b"\x81\x06b4MQ==")]
)
def test_clients_without_bytes_get_base64(prefix: bytes, frame: bytes) -> None:
    """Engine.IO 3 has the type of the packet there: `b4`, Engine.IO 4 `b` alone."""
    assert as_text_frame(b"1", prefix) == frame
    assert Encoded("a", [b"1"], prefix).text_frame == b"\x81\x01a" + frame


def test_half_a_surrogate_pair_can_be_sent() -> None:
    """JSON escapes it, plain messages don't."""
    encoded = Encoded("a\ud800b")
    for frame in (encoded.frame, encoded.text_frame):
        (message,) = FrameReader(masked=False).feed(frame)
        assert message == (1, "a?b")


@MANY
@given(st.text(st.characters()) | st.binary())
def test_the_size_is_what_is_sent(message: str | bytes) -> None:
    if isinstance(message, bytes):
        assert message_size(message) == len(message)
    else:
        [(_, text)] = FrameReader(masked=False).feed(Encoded(message).frame)
        assert message_size(message) == len(str(text).encode())
