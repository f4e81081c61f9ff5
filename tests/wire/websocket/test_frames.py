"""RFC 6455, sections 4.2, 5, 7 and 8.1."""

from __future__ import annotations

from collections.abc import Iterable
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire.errors import (
    FrameError,
    InvalidFramePayload,
    MessageTooBig,
    ProtocolError,
)
from tgext.socketio.wire.websocket.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    FrameReader,
    Message,
    encode_frame,
)

from ...vectors.shapes import EMOJI, Malformed, name_of
from ...vectors.websocket import FIN, FRAMES_MALFORMED, MASK, client_frame
from ..strategies import MANY, SOME, mutated


def read(
    chunks: Iterable[bytes], reader: FrameReader
) -> tuple[list[Message], type[ProtocolError] | None]:
    """The messages that ``chunks`` complete, and the error that ends them."""
    messages: list[Message] = []
    try:
        for chunk in chunks:
            for message in reader.feed(chunk):
                messages.append(message)
    except ProtocolError as error:
        return messages, type(error)
    return messages, None


def in_pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


# What is read

VALID = [
    ("text", b"\x81\x85" + MASK + b"\x7f\x9f\x4d\x51\x58", [(TEXT, "Hello")]),
    ("pong", b"\x8a\x85" + MASK + b"\x7f\x9f\x4d\x51\x58", [(PONG, b"Hello")]),
    ("empty text", client_frame(FIN | TEXT), [(TEXT, "")]),
    ("empty binary", client_frame(FIN | BINARY), [(BINARY, b"")]),
    ("binary", client_frame(FIN | BINARY, b"\x00\xff"), [(BINARY, b"\x00\xff")]),
    ("empty ping", client_frame(FIN | PING), [(PING, b"")]),
    ("ping of 125 bytes", client_frame(FIN | PING, b"x" * 125), [(PING, b"x" * 125)]),
    ("empty close", client_frame(FIN | CLOSE), [(CLOSE, b"")]),
    (
        "close with a code",
        client_frame(FIN | CLOSE, b"\x03\xe8bye"),
        [(CLOSE, b"\x03\xe8bye")],
    ),
    ("125 bytes", client_frame(FIN | TEXT, b"x" * 125), [(TEXT, "x" * 125)]),
    ("126 bytes", client_frame(FIN | TEXT, b"x" * 126), [(TEXT, "x" * 126)]),
    ("256 bytes", client_frame(FIN | BINARY, bytes(256)), [(BINARY, bytes(256))]),
    ("65535 bytes", client_frame(FIN | TEXT, b"x" * 65535), [(TEXT, "x" * 65535)]),
    ("65536 bytes", client_frame(FIN | BINARY, bytes(65536)), [(BINARY, bytes(65536))]),
    (
        "other scripts",
        client_frame(FIN | TEXT, f"\u00e9\u6f22\u2028{EMOJI}".encode()),
        [(TEXT, f"\u00e9\u6f22\u2028{EMOJI}")],
    ),
    (
        "two fragments",
        client_frame(TEXT, b"Hel") + client_frame(FIN, b"lo"),
        [(TEXT, "Hello")],
    ),
    (
        "many fragments",
        client_frame(BINARY, b"a")
        + client_frame(0, b"b") * 9
        + client_frame(FIN, b"c"),
        [(BINARY, b"a" + b"b" * 9 + b"c")],
    ),
    (
        "empty fragments",
        client_frame(TEXT) + client_frame(0) + client_frame(FIN),
        [(TEXT, "")],
    ),
    (
        "empty first fragment",
        client_frame(BINARY) + client_frame(FIN, b"a"),
        [(BINARY, b"a")],
    ),
    (
        "empty last fragment",
        client_frame(BINARY, b"a") + client_frame(FIN),
        [(BINARY, b"a")],
    ),
    (
        "character cut by fragments",
        client_frame(TEXT, b"\xe2")
        + client_frame(0, b"\x98")
        + client_frame(FIN, b"\x83"),
        [(TEXT, "\u2603")],
    ),
    (
        "ping between fragments",
        client_frame(TEXT, b"Hel")
        + client_frame(FIN | PING, b"?")
        + client_frame(FIN, b"lo")
        + client_frame(FIN | PING),
        [(PING, b"?"), (TEXT, "Hello"), (PING, b"")],
    ),
    (
        "close between fragments",
        client_frame(TEXT, b"Hel") + client_frame(FIN | CLOSE, b"\x03\xe9"),
        [(CLOSE, b"\x03\xe9")],
    ),
    (
        "messages behind each other",
        client_frame(FIN | TEXT, b"a")
        + client_frame(BINARY, b"b")
        + client_frame(FIN, b"c")
        + client_frame(FIN | TEXT, b"d"),
        [(TEXT, "a"), (BINARY, b"bc"), (TEXT, "d")],
    ),
    (
        "two fragmented messages",
        client_frame(TEXT, b"a")
        + client_frame(FIN, b"b")
        + client_frame(BINARY, b"c")
        + client_frame(FIN, b"d"),
        [(TEXT, "ab"), (BINARY, b"cd")],
    ),
    ("mask of zeros", client_frame(FIN | TEXT, b"Hello", bytes(4)), [(TEXT, "Hello")]),
]


@pytest.mark.parametrize("size", [1, 3, 7, 4096, 1 << 20])
@pytest.mark.parametrize(
    ("data", "messages"), [pytest.param(*row[1:], id=row[0]) for row in VALID]
)
def test_messages_are_read_in_whatever_pieces_they_arrive(
    data: bytes, messages: list[Message], size: int
) -> None:
    """Sections 5.2 to 5.6."""
    assert read(in_pieces(data, size), FrameReader()) == (messages, None)


@pytest.mark.parametrize(
    ("data", "messages"),
    [
        pytest.param(b"\x81\x05Hello", [(TEXT, "Hello")], id="text"),
        pytest.param(b"\x01\x03Hel\x80\x02lo", [(TEXT, "Hello")], id="fragments"),
        pytest.param(b"\x89\x05Hello", [(PING, b"Hello")], id="ping"),
        pytest.param(
            b"\x82\x7e\x01\x00" + bytes(256), [(BINARY, bytes(256))], id="256 bytes"
        ),
        pytest.param(
            b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + bytes(65536),
            [(BINARY, bytes(65536))],
            id="64 KiB",
        ),
    ],
)
def test_a_client_reads_the_frames_of_a_server(
    data: bytes, messages: list[Message]
) -> None:
    """The unmasked examples of section 5.7."""
    assert read([data], FrameReader(masked=False)) == (messages, None)


def test_a_client_refuses_masked_frames() -> None:
    """Section 5.1: a client must close a connection that masks."""
    frame = client_frame(FIN | TEXT, b"Hello")
    assert read([frame], FrameReader(masked=False)) == ([], FrameError)


def test_half_a_frame_makes_no_message() -> None:
    reader = FrameReader()
    assert read([b"", b"\x81", b"\x85" + MASK, b"", b"\x7f\x9f"], reader) == ([], None)
    assert read([b"\x4d\x51\x58"], reader) == ([(TEXT, "Hello")], None)


# What is refused


def test_a_finished_message_cannot_be_continued() -> None:
    """Section 5.4."""
    frames = [client_frame(TEXT, b"Hel"), client_frame(FIN, b"lo")]
    more = client_frame(FIN, b"!")
    assert read([*frames, more], FrameReader()) == ([(TEXT, "Hello")], FrameError)


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("vector", FRAMES_MALFORMED, ids=name_of)
def test_a_malformed_frame_is_refused(vector: Malformed, size: int) -> None:
    if len(vector.data) > 100_000:
        size = max(size, 65536)
    assert read(in_pieces(vector.data, size), FrameReader()) == ([], vector.error)


@pytest.mark.parametrize("vector", FRAMES_MALFORMED, ids=name_of)
def test_what_came_before_a_malformed_frame_is_delivered(
    vector: Malformed,
) -> None:
    good = client_frame(FIN | TEXT, b"a") + client_frame(FIN | BINARY, b"b")
    assert read([good + vector.data], FrameReader()) == (
        [(TEXT, "a"), (BINARY, b"b")],
        vector.error,
    )


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"\xc1\x85", id="5.2 reserved bit"),
        pytest.param(b"\x83\x85", id="5.2 unknown opcode"),
        pytest.param(b"\x81\x05", id="5.1 unmasked"),
        pytest.param(b"\x09\x85", id="5.5 fragmented ping"),
        pytest.param(b"\x89\xfe", id="5.5 long ping"),
        pytest.param(b"\x80\x85", id="5.4 continuation of nothing"),
        pytest.param(b"\x82\xff" + (1_000_001).to_bytes(8, "big"), id="10.4 too big"),
        pytest.param(b"\x82\xff\x80" + bytes(7), id="5.2 most significant bit"),
    ],
)
def test_a_frame_is_refused_by_its_head(head: bytes) -> None:
    """Before memory is used for a payload that may never arrive."""
    with pytest.raises(FrameError):
        list(FrameReader().feed(head))


@pytest.mark.parametrize(
    ("limit", "frames", "error"),
    [
        pytest.param(5, [(FIN | TEXT, b"Hello")], None, id="at the limit"),
        pytest.param(4, [(FIN | TEXT, b"Hello")], MessageTooBig, id="too large"),
        pytest.param(5, [(TEXT, b"Hel"), (FIN, b"lo")], None, id="fragments at it"),
        pytest.param(
            4, [(TEXT, b"Hel"), (FIN, b"lo")], MessageTooBig, id="fragments too large"
        ),
        pytest.param(
            4,
            [(TEXT, b"Hel"), (FIN | PING, b"12345"), (FIN, b"l")],
            None,
            id="a ping between does not count",
        ),
        pytest.param(
            3,
            [(TEXT, b"Hel"), (FIN, b""), (TEXT, b"lo"), (FIN, b"!")],
            None,
            id="each message has its own",
        ),
        pytest.param(
            2, [(FIN | TEXT, "\u2603".encode())], MessageTooBig, id="bytes are counted"
        ),
        pytest.param(
            300, [(FIN | BINARY, bytes(301))], MessageTooBig, id="16-bit length"
        ),
    ],
)
def test_the_limit_is_that_of_the_server(
    limit: int, frames: list[tuple[int, bytes]], error: type[ProtocolError] | None
) -> None:
    """Section 10.4."""
    data = b"".join(client_frame(first, payload) for first, payload in frames)
    assert read([data], FrameReader(limit))[1] is error


def test_a_message_of_many_fragments_at_the_limit_is_read() -> None:
    reader = FrameReader(1000)
    data = client_frame(BINARY, b"x") + client_frame(0, b"x") * 998
    assert read([data, client_frame(FIN, b"x")], reader) == (
        [(BINARY, b"x" * 1000)],
        None,
    )


def test_a_large_message_in_tiny_pieces_takes_no_time() -> None:
    """What has arrived is not copied for every byte that arrives."""
    data = client_frame(FIN | BINARY, bytes(150_000), bytes(4))
    reader = FrameReader()
    started = process_time()
    assert read(in_pieces(data, 1), reader) == ([(BINARY, bytes(150_000))], None)
    assert process_time() - started < 10


def test_many_messages_in_one_piece_take_no_time() -> None:
    data = client_frame(FIN | TEXT, b"x") * 50_000
    started = process_time()
    assert sum(1 for _ in FrameReader().feed(data)) == 50_000
    assert process_time() - started < 10


# Text that is not UTF-8 is refused at its first invalid byte


@pytest.mark.parametrize(
    ("data", "at"),
    [
        pytest.param(client_frame(FIN | TEXT, b"ab\xffcd"), 8, id="one frame"),
        pytest.param(client_frame(FIN | TEXT, b"\xe2\x98cd"), 8, id="cut character"),
        pytest.param(client_frame(FIN | TEXT, b"\xed\xa0\x80"), 8, id="surrogate"),
        pytest.param(client_frame(FIN | TEXT, b"\xf4\x90\x80"), 7, id="past the last"),
        pytest.param(
            client_frame(FIN | TEXT, b"x" * 200 + b"\xff" + b"x" * 200),
            208,
            id="16-bit length",
        ),
        pytest.param(
            client_frame(TEXT, b"\xe2") + client_frame(0, b"\x98c") + b"\x80",
            14,
            id="a second fragment",
        ),
        pytest.param(
            client_frame(TEXT, b"ok")
            + client_frame(FIN | PING, b"\xff")
            + client_frame(FIN, b"\xffab"),
            21,
            id="a last fragment, after a ping",
        ),
        pytest.param(
            client_frame(FIN | TEXT, "\u2603".encode())
            + client_frame(FIN | TEXT, b"\x83ab"),
            15,
            id="a second message",
        ),
    ],
)
def test_text_is_refused_at_the_first_byte_that_is_no_utf8(
    data: bytes, at: int
) -> None:
    """Section 8.1, without waiting for the rest: Autobahn 6.4.1 to 6.4.4."""
    reader = FrameReader()
    for byte in data[:at]:
        assert all(opcode in (TEXT, PING) for opcode, _ in reader.feed(bytes([byte])))
    with pytest.raises(InvalidFramePayload):
        list(reader.feed(data[at : at + 1]))


def test_a_large_text_in_tiny_pieces_takes_no_time() -> None:
    """A new byte does not make the reader look at earlier bytes again."""
    data = client_frame(FIN | TEXT, b"x" * 100_000, bytes(4))
    started = process_time()
    assert read(in_pieces(data, 1), FrameReader()) == ([(TEXT, "x" * 100_000)], None)
    assert process_time() - started < 10


# Closing


# Writing


@pytest.mark.parametrize(
    ("opcode", "payload", "head"),
    [
        pytest.param(TEXT, b"", b"\x81\x00", id="empty"),
        pytest.param(TEXT, b"Hello", b"\x81\x05", id="text"),
        pytest.param(PING, b"Hello", b"\x89\x05", id="ping"),
        pytest.param(PONG, b"x" * 125, b"\x8a\x7d", id="125 bytes"),
        pytest.param(BINARY, bytes(126), b"\x82\x7e\x00\x7e", id="126 bytes"),
        pytest.param(BINARY, bytes(256), b"\x82\x7e\x01\x00", id="256 bytes"),
        pytest.param(BINARY, bytes(65535), b"\x82\x7e\xff\xff", id="65535 bytes"),
        pytest.param(
            BINARY,
            bytes(65536),
            b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
            id="65536 bytes",
        ),
    ],
)
def test_a_frame_is_written_with_the_shortest_length(
    opcode: int, payload: bytes, head: bytes
) -> None:
    """Section 5.2, and the examples of section 5.7."""
    assert encode_frame(opcode, payload) == head + payload
    masked = encode_frame(opcode, payload, MASK)
    assert masked == client_frame(FIN | opcode, payload)


def test_a_client_masks_its_frame() -> None:
    """Section 5.7, the second example."""
    assert encode_frame(TEXT, b"Hello", MASK) == (
        b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
    )


# Properties

LIMIT = 400

payloads = st.binary(max_size=LIMIT) | st.text(max_size=90).map(str.encode)
masks = st.binary(min_size=4, max_size=4)
controls = st.tuples(st.sampled_from([PING, PONG, CLOSE]), st.binary(max_size=125))


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[Message]]:
    """Frames of a client, fragmented, pings between, and the messages in them."""
    data = b""
    messages: list[Message] = []
    for _ in range(draw(st.integers(1, 5))):
        if draw(st.booleans()):
            text = draw(st.text(max_size=90))
            opcode, whole = TEXT, text.encode()
        else:
            opcode, whole = BINARY, draw(st.binary(max_size=200))
        cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=3)))
        starts, stops = [0, *cuts], [*cuts, len(whole)]
        for index, (start, stop) in enumerate(zip(starts, stops, strict=True)):
            first = opcode if index == 0 else CONTINUATION
            if index == len(cuts):
                first |= FIN
            elif draw(st.booleans()):
                control, payload = draw(controls)
                messages.append((control, payload))
                data += client_frame(FIN | control, payload, draw(masks))
            data += client_frame(first, whole[start:stop], draw(masks))
        messages.append((opcode, whole.decode() if opcode == TEXT else whole))
    return data, messages


@st.composite
def pieces_of(draw: st.DrawFn, data: bytes) -> list[bytes]:
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [
        data[start:stop]
        for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True)
    ]


@SOME
@given(streams(), st.data())
def test_a_stream_is_read_in_whatever_pieces_it_arrives(
    stream: tuple[bytes, list[Message]], data: st.DataObject
) -> None:
    frames, messages = stream
    chunks = data.draw(pieces_of(frames))
    assert read(chunks, FrameReader()) == (messages, None)


@MANY
@given(
    st.binary(max_size=60)
    | mutated([row[1] for row in VALID if len(row[1]) < 500], st.binary(max_size=4)),
    st.data(),
)
def test_any_bytes_are_messages_or_refused_alike_in_any_pieces(
    stream: bytes, data: st.DataObject
) -> None:
    whole = read([stream], FrameReader(LIMIT))
    assert read(data.draw(pieces_of(stream)), FrameReader(LIMIT)) == whole
    messages, error = whole
    assert error in (None, FrameError, InvalidFramePayload, MessageTooBig)
    for opcode, content in messages:
        assert opcode in (TEXT, BINARY, CLOSE, PING, PONG)
        assert isinstance(content, str) is (opcode == TEXT)
        assert len(content) <= (LIMIT if opcode in (TEXT, BINARY) else 125)


@MANY
@given(payloads, masks | st.just(b""))
def test_a_frame_is_read_as_it_was_written(payload: bytes, mask: bytes) -> None:
    reader = FrameReader(masked=bool(mask))
    assert list(reader.feed(encode_frame(BINARY, payload, mask))) == [(BINARY, payload)]


def test_a_frame_without_a_mask_may_come_in_pieces() -> None:
    reader = FrameReader(masked=False)
    frame = encode_frame(TEXT, b"x" * 100)
    assert list(reader.feed(frame[:50])) == []
    assert list(reader.feed(frame[50:])) == [(TEXT, "x" * 100)]
