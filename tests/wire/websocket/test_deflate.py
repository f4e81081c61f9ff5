"""RFC 7692, sections 6 and 7."""

from __future__ import annotations

import zlib
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire.errors import (
    FrameError,
    InvalidFramePayload,
    MessageTooBig,
    ProtocolError,
)
from tgext.socketio.wire.limits import MAX_MESSAGE_SIZE
from tgext.socketio.wire.websocket.deflate import Agreement, Deflate, Deflater, Inflater
from tgext.socketio.wire.websocket.frames import (
    BINARY,
    COMPRESSED,
    PING,
    TEXT,
    FrameReader,
    Message,
    encode_frame,
)
from tgext.socketio.wire.websocket.handshake import parse_extensions

from ...vectors.websocket import FIN, client_frame
from ..strategies import MANY, SOME, mutated

ROOM = 1000

#: "Hello", as section 7.2.3 writes it in five ways.
HELLO = bytes.fromhex("f248cdc9c90700")
HELLO_IN_TWO = bytes.fromhex("f248050000 00ffffcac9c90700")
HELLO_AGAIN = bytes.fromhex("f200110000")
HELLO_STORED = bytes.fromhex("000500faff48656c6c6f00")
HELLO_FINAL = bytes.fromhex("f348cdc9c9070000")
EMPTY = b"\x00"
TAIL = b"\x00\x00\xff\xff"


def inflate(*payloads: bytes, room: int = ROOM, **options: Any) -> list[bytes]:
    inflater = Inflater(**options)
    return [inflater.inflate(payload, room, last=True) for payload in payloads]


# Decompression


@pytest.mark.parametrize(
    ("payloads", "messages"),
    [
        pytest.param([HELLO], [b"Hello"], id="7.2.3.1 one block"),
        pytest.param([HELLO_IN_TWO], [b"Hello"], id="7.2.3.5 two blocks"),
        pytest.param([HELLO, HELLO_AGAIN], [b"Hello"] * 2, id="7.2.3.2 shared window"),
        pytest.param([HELLO, HELLO], [b"Hello"] * 2, id="7.2.3.2 window not used"),
        pytest.param([HELLO_STORED], [b"Hello"], id="7.2.3.3 no compression"),
        pytest.param([HELLO_FINAL], [b"Hello"], id="7.2.3.4 final block"),
        pytest.param([HELLO_FINAL] * 3, [b"Hello"] * 3, id="7.2.3.4 final blocks"),
        pytest.param([HELLO_FINAL, HELLO], [b"Hello"] * 2, id="and one that is not"),
        pytest.param([EMPTY], [b""], id="7.2.3.6 empty"),
        pytest.param([b""], [b""], id="nothing at all"),
        pytest.param([EMPTY, HELLO, EMPTY], [b"", b"Hello", b""], id="empty between"),
    ],
)
def test_the_examples_of_the_rfc_are_read(
    payloads: list[bytes], messages: list[bytes]
) -> None:
    assert inflate(*payloads) == messages


@pytest.mark.parametrize("cut", range(1, len(HELLO)))
def test_a_message_is_read_in_fragments(cut: int) -> None:
    """Section 7.2.3.1: a compressed message is cut anywhere."""
    inflater = Inflater()
    first = inflater.inflate(HELLO[:cut], ROOM, last=False)
    rest = inflater.inflate(HELLO[cut:], ROOM - len(first), last=True)
    assert first + rest == b"Hello"


def test_a_window_that_is_not_kept_cannot_be_referred_to() -> None:
    """Section 7.1.1.2."""
    with pytest.raises(InvalidFramePayload):
        inflate(HELLO, HELLO_AGAIN, keep_context=False)


def test_a_window_of_eight_bits_is_read() -> None:
    """Section 7.1.2.2. zlib reads such windows, but does not write them."""
    assert inflate(HELLO, HELLO_AGAIN, window_bits=8) == [b"Hello"] * 2


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\x07", id="no such block"),
        pytest.param(HELLO_AGAIN, id="before the window"),
        pytest.param(b"\x00\x05\x00\x00\x00Hello", id="stored length"),
        pytest.param(b"\x03\x00" * 1000, id="a thousand streams"),
    ],
)
def test_what_is_not_compressed_is_refused(payload: bytes) -> None:
    with pytest.raises(InvalidFramePayload):
        inflate(payload)


def bomb(size: int) -> bytes:
    return Deflater().deflate(bytes(size))


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        pytest.param(bomb(ROOM), None, id="at the limit"),
        pytest.param(bomb(ROOM + 1), MessageTooBig, id="too large"),
        pytest.param(bomb(50_000_000), MessageTooBig, id="50 MB in 50 KB"),
        pytest.param(HELLO_FINAL[:-1] * 15, MessageTooBig, id="in many streams"),
    ],
)
def test_a_message_inflates_up_to_the_limit(
    payload: bytes, error: type[ProtocolError] | None
) -> None:
    """RFC 6455, section 10.4."""
    room = 70 if payload.startswith(HELLO_FINAL[:-1]) else ROOM
    started = process_time()
    if error is None:
        assert inflate(payload, room=room) == [bytes(ROOM)]
    else:
        with pytest.raises(error):
            inflate(payload, room=room)
    assert process_time() - started < 2


def test_with_room_for_nothing_only_empty_messages_fit() -> None:
    assert inflate(EMPTY, room=0) == [b""]
    with pytest.raises(MessageTooBig):
        inflate(HELLO, room=0)


# Compression


@pytest.mark.parametrize("bits", range(9, 16))
@pytest.mark.parametrize("keep", [True, False])
def test_what_is_written_is_read(bits: int, keep: bool) -> None:
    messages = [b"", b"Hello", b"", bytes(range(256)) * 300, b"Hello" * 10, b"Hello"]
    deflater = Deflater(bits, keep)
    payloads = [deflater.deflate(each) for each in messages]
    assert inflate(*payloads, room=10**6, window_bits=bits, keep_context=keep) == (
        messages
    )


def test_a_kept_window_makes_the_second_of_two_messages_smaller() -> None:
    """Section 7.2.3.2, and its bytes."""
    deflater = Deflater()
    assert deflater.deflate(b"Hello") == HELLO
    assert deflater.deflate(b"Hello") == HELLO_AGAIN
    forgetful = Deflater(keep_context=False)
    assert [forgetful.deflate(b"Hello") for _ in range(2)] == [HELLO, HELLO]


def test_an_empty_message_is_one_byte() -> None:
    """Section 7.2.3.6."""
    deflater = Deflater()
    assert [deflater.deflate(b""), deflater.deflate(b"")] == [EMPTY, EMPTY]


def test_the_tail_of_the_flush_is_left_out() -> None:
    """Section 7.2.1, step 3."""
    assert not Deflater().deflate(b"Hello" * 100).endswith(TAIL)


# Negotiation


def negotiate(header: str, deflate: Deflate | None = None) -> Agreement | None:
    """The agreement on the first acceptable offer."""
    config = deflate or Deflate()
    answers = [
        config.accept(parameters)
        for name, parameters in parse_extensions(header)
        if name == "permessage-deflate"
    ]
    return next((each for each in answers if each is not None), None)


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("permessage-deflate", "permessage-deflate"),
        ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
        (
            "permessage-deflate; client_max_window_bits=10",
            "permessage-deflate; client_max_window_bits=10",
        ),
        (
            'permessage-deflate; client_max_window_bits="8"',
            "permessage-deflate; client_max_window_bits=8",
        ),
        (
            "permessage-deflate; server_max_window_bits=9",
            "permessage-deflate; server_max_window_bits=9",
        ),
        # Section 7.1.2.1: the answer accepts the parameter by naming it.
        (
            "permessage-deflate; server_max_window_bits=15",
            "permessage-deflate; server_max_window_bits=15",
        ),
        (
            "permessage-deflate; server_max_window_bits=8, "
            "permessage-deflate; client_max_window_bits; server_max_window_bits=15",
            "permessage-deflate; server_max_window_bits=15",
        ),
        (
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover",
        ),
        (
            "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; client_no_context_takeover",
        ),
        (
            "permessage-deflate; server_max_window_bits=10, permessage-deflate",
            "permessage-deflate; server_max_window_bits=10",
        ),
        # zlib writes no window of 8 bits.
        (
            "permessage-deflate; server_max_window_bits=8, permessage-deflate",
            "permessage-deflate",
        ),
        ("permessage-deflate; server_max_window_bits=8", None),
        ("x-webkit-deflate-frame", None),
        ("", None),
        # Section 7: what an offer must not have.
        ("permessage-deflate; unknown", None),
        ("permessage-deflate; server_no_context_takeover=1", None),
        ("permessage-deflate; client_no_context_takeover=true", None),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; server_max_window_bits=7", None),
        ("permessage-deflate; server_max_window_bits=16", None),
        ("permessage-deflate; server_max_window_bits=010", None),
        ("permessage-deflate; client_max_window_bits=0", None),
        ("permessage-deflate; client_max_window_bits=x", None),
        (
            "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
            None,
        ),
    ],
)
def test_an_offer_is_answered(offer: str, answer: str | None) -> None:
    """Sections 7 and 7.1."""
    agreement = negotiate(offer)
    assert (None if agreement is None else agreement.header) == answer


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        (
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_no_context_takeover; "
            "client_no_context_takeover; "
            "server_max_window_bits=11; client_max_window_bits=12",
        ),
        # Section 7.1.2.2: only a client that offers the parameter gets it.
        (
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover; "
            "client_no_context_takeover; server_max_window_bits=11",
        ),
        (
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9",
            "permessage-deflate; server_no_context_takeover; "
            "client_no_context_takeover; "
            "server_max_window_bits=10; client_max_window_bits=9",
        ),
    ],
)
def test_the_preferences_of_the_server_are_answered(offer: str, answer: str) -> None:
    """Sections 7.1.1 and 7.1.2."""
    config = Deflate(
        server_max_window_bits=11,
        client_max_window_bits=12,
        server_no_context_takeover=True,
        client_no_context_takeover=True,
    )
    agreement = negotiate(offer, config)
    assert agreement is not None
    assert agreement.header == answer


def test_what_was_agreed_on_is_done() -> None:
    agreement = negotiate(
        "permessage-deflate; server_no_context_takeover; client_max_window_bits=9; "
        "server_max_window_bits=10; client_no_context_takeover",
        Deflate(level=9),
    )
    assert agreement is not None
    deflater, inflater = agreement.deflater(), agreement.inflater()
    assert (deflater.window_bits, deflater.keep_context, deflater.level) == (
        10,
        False,
        9,
    )
    assert inflater.inflate(HELLO, ROOM, True) == b"Hello"
    with pytest.raises(InvalidFramePayload):
        inflater.inflate(HELLO_AGAIN, ROOM, True)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("server_max_window_bits", 8),
        ("server_max_window_bits", 16),
        ("client_max_window_bits", 7),
        ("client_max_window_bits", 16),
        ("level", 0),
        ("level", 10),
    ],
)
def test_an_invalid_option_is_named(option: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{option}: {value} is not from"):
        Deflate(**{option: value})


# Frames


def read(
    data: bytes, reader: FrameReader | None = None
) -> tuple[list[Message], type[ProtocolError] | None]:
    reader = reader or FrameReader(ROOM, inflater=Inflater())
    messages: list[Message] = []
    try:
        messages.extend(reader.feed(data))
    except ProtocolError as error:
        return messages, type(error)
    return messages, None


TEXT_1 = FIN | COMPRESSED | TEXT
BINARY_1 = FIN | COMPRESSED | BINARY


@pytest.mark.parametrize(
    ("frames", "messages"),
    [
        pytest.param([(TEXT_1, HELLO)], [(TEXT, "Hello")], id="text"),
        pytest.param([(BINARY_1, HELLO)], [(BINARY, b"Hello")], id="binary"),
        pytest.param(
            [(COMPRESSED | TEXT, HELLO[:3]), (FIN, HELLO[3:])],
            [(TEXT, "Hello")],
            id="6 only the first of the fragments is marked",
        ),
        pytest.param(
            [(COMPRESSED | TEXT, HELLO[:3]), (FIN | PING, b"?"), (FIN, HELLO[3:])],
            [(PING, b"?"), (TEXT, "Hello")],
            id="6.1 a ping between them is not compressed",
        ),
        pytest.param(
            [(TEXT_1, HELLO), (FIN | TEXT, b"Hello"), (TEXT_1, HELLO_AGAIN)],
            [(TEXT, "Hello")] * 3,
            id="6 messages may be left as they are",
        ),
        pytest.param(
            [(TEXT, b"Hel"), (FIN, b"lo"), (TEXT_1, HELLO)],
            [(TEXT, "Hello")] * 2,
            id="6 fragments may be left as they are",
        ),
    ],
)
def test_compressed_messages_are_read(
    frames: list[tuple[int, bytes]], messages: list[Message]
) -> None:
    data = b"".join(client_frame(*each) for each in frames)
    assert read(data) == (messages, None)
    reader = FrameReader(ROOM, inflater=Inflater())
    found: list[Message] = []
    for byte in data:
        found.extend(reader.feed(bytes([byte])))
    assert found == messages


@pytest.mark.parametrize(
    ("frames", "error"),
    [
        pytest.param([(FIN | COMPRESSED | PING, b"")], FrameError, id="6.1 a ping"),
        pytest.param(
            [(COMPRESSED | TEXT, HELLO[:3]), (FIN | COMPRESSED, HELLO[3:])],
            FrameError,
            id="6.1 a continuation",
        ),
        pytest.param([(FIN | 0x60 | TEXT, HELLO)], FrameError, id="another bit too"),
        pytest.param([(TEXT_1, b"\x07")], InvalidFramePayload, id="not compressed"),
        pytest.param(
            [(TEXT_1, Deflater().deflate(b"\xff"))], InvalidFramePayload, id="no UTF-8"
        ),
        pytest.param(
            [(COMPRESSED | TEXT, Deflater().deflate(b"\xff") + TAIL)],
            InvalidFramePayload,
            id="no UTF-8 in a first fragment",
        ),
        pytest.param([(TEXT_1, bomb(ROOM + 1))], MessageTooBig, id="a bomb"),
        pytest.param(
            [(COMPRESSED | BINARY, bomb(ROOM) + TAIL), (FIN, HELLO)],
            MessageTooBig,
            id="a bomb in fragments",
        ),
        pytest.param([(BINARY_1, bytes(2 * ROOM))], MessageTooBig, id="a large frame"),
    ],
)
def test_a_frame_that_breaks_the_rules_is_refused(
    frames: list[tuple[int, bytes]], error: type[ProtocolError]
) -> None:
    data = b"".join(client_frame(*each) for each in frames)
    assert read(data) == ([], error)


def test_compression_that_was_not_agreed_on_is_refused() -> None:
    """Section 6: the bit is reserved then."""
    assert read(client_frame(TEXT_1, HELLO), FrameReader()) == ([], FrameError)


def test_a_message_of_the_largest_size_may_be_incompressible() -> None:
    noise = zlib.compress(bytes(range(256)) * 10)
    noise = (noise * (MAX_MESSAGE_SIZE // len(noise) + 1))[:MAX_MESSAGE_SIZE]
    whole = zlib.compressobj(0, wbits=-15)
    stored = (whole.compress(noise) + whole.flush(zlib.Z_SYNC_FLUSH))[:-4]
    assert len(stored) > MAX_MESSAGE_SIZE
    reader = FrameReader(inflater=Inflater())
    frame = encode_frame(COMPRESSED | BINARY, stored, b"\x00" * 4)
    assert list(reader.feed(frame)) == [(BINARY, noise)]


# Properties


@SOME
@given(st.lists(st.binary(max_size=300), max_size=6), st.integers(9, 15), st.booleans())
def test_any_messages_are_read_as_they_were_written(
    messages: list[bytes], bits: int, keep: bool
) -> None:
    deflater = Deflater(bits, keep)
    payloads = [deflater.deflate(each) for each in messages]
    assert inflate(*payloads, window_bits=bits, keep_context=keep) == messages


@MANY
@given(
    st.binary(max_size=60)
    | mutated([HELLO, HELLO_IN_TWO, HELLO_FINAL, bomb(5000)], st.binary(max_size=4))
)
def test_any_bytes_are_a_message_or_refused(payload: bytes) -> None:
    inflater = Inflater()
    try:
        assert len(inflater.inflate(payload, ROOM, last=True)) <= ROOM
    except (InvalidFramePayload, MessageTooBig):
        pass


@MANY
@given(
    st.text(max_size=60)
    | mutated(
        ["permessage-deflate; server_max_window_bits=10; client_max_window_bits, a"],
        st.text(max_size=3),
    )
)
def test_any_header_is_read_or_refused(header: str) -> None:
    try:
        agreement = negotiate(header)
    except ValueError:
        return
    if agreement is not None:
        assert "permessage-deflate" in header
        assert 9 <= agreement.server_max_window_bits <= 15
        assert 8 <= agreement.client_max_window_bits <= 15
