"""A message for many WebSockets: connections that can share a frame do."""

from __future__ import annotations

from tgext.socketio.wire.websocket.broadcast import Broadcast
from tgext.socketio.wire.websocket.deflate import Deflater, Inflater
from tgext.socketio.wire.websocket.frames import TEXT, FrameReader, encode_frame


def test_a_broadcast_is_one_frame_for_all_it_can_be() -> None:
    """RFC 7692, section 7.1.1.1: a window that is kept is a connection's own."""
    broadcast = Broadcast(TEXT, b"Hello")
    plain = broadcast.frame(None)
    assert plain == encode_frame(TEXT, b"Hello")
    assert broadcast.frame(None) is plain
    small = broadcast.frame(Deflater(10, keep_context=False))
    assert broadcast.frame(Deflater(10, keep_context=False)) is small
    assert broadcast.frame(Deflater(11, keep_context=False)) is not small
    keeping = Deflater()
    frames = [broadcast.frame(keeping), broadcast.frame(keeping), plain]
    reader = FrameReader(masked=False, inflater=Inflater())
    messages = [message for frame in frames for message in reader.feed(frame)]
    assert messages == [(TEXT, "Hello")] * 3
    assert len(frames[1]) < len(frames[0])
