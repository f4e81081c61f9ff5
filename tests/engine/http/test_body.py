"""Bodies of requests end where their framing says."""

from __future__ import annotations

import tracemalloc
from io import BufferedReader, BytesIO, RawIOBase
from typing import Any

import gevent
import pytest
from gevent import socket

from tgext.socketio.engine.http import body as module
from tgext.socketio.engine.http.body import ChunkedBody, RequestBody, SizedBody
from tgext.socketio.engine.http.errors import BodyEnded, RequestError
from tgext.socketio.engine.io.reader import buffered_input

AFTER = b"what follows"
LINES = b"one\ntwo\n\nthree"


def reader(data: bytes) -> BufferedReader:
    return BufferedReader(BytesIO(data))  # type: ignore[arg-type]


def sized(data: bytes, length: int | None = None) -> tuple[RequestBody, BufferedReader]:
    source = reader(data + AFTER)
    return SizedBody(source, 1.0, len(data) if length is None else length), source


def chunked(data: bytes, end: bytes = b"0\r\n\r\n") -> tuple[RequestBody, Any]:
    source = reader(data + end + AFTER)
    return ChunkedBody(source, 1.0), source


def in_chunks(data: bytes, size: int) -> bytes:
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


@pytest.fixture(params=["sized", 1, 3, 100])
def body(request: pytest.FixtureRequest) -> tuple[RequestBody, BufferedReader]:
    """A body of LINES, with a length or in chunks of some size."""
    if request.param == "sized":
        return sized(LINES)
    return chunked(in_chunks(LINES, request.param))


Both = tuple[RequestBody, BufferedReader]


@pytest.mark.parametrize("size", [(), (-1,), (None,), (1000,)], ids=str)
def test_a_body_is_read_to_its_end_and_not_beyond(
    body: Both, size: tuple[int | None, ...]
) -> None:
    read, source = body
    assert read.read(*size) == LINES
    assert read.ended or read.read(1) == b""
    assert read.ended
    assert read.read() == read.readline() == b""
    assert source.read() == AFTER


@pytest.mark.parametrize("size", [1, 2, 5, 13, 14])
def test_in_pieces_of_the_size_that_is_asked_for(body: Both, size: int) -> None:
    read, source = body
    pieces = []
    while piece := read.read(size):
        pieces.append(piece)
    assert pieces == [LINES[at : at + size] for at in range(0, len(LINES), size)]
    assert read.ended
    assert source.read() == AFTER


def test_by_lines(body: Both) -> None:
    read, source = body
    assert read.readline() == b"one\n"
    assert read.readline(2) == b"tw"
    assert read.readline(0) == read.read(0) == b""
    assert read.readline(10) == b"o\n"
    assert list(read) == [b"\n", b"three"]
    assert source.read() == AFTER


def test_all_lines(body: Both) -> None:
    assert body[0].readlines() == LINES.splitlines(keepends=True)


def test_the_rest_is_read_after_the_answer(body: Both) -> None:
    read, source = body
    assert read.read(5) == LINES[:5]
    read.discard()
    assert read.ended
    assert read.read() == b""
    assert source.read() == AFTER


def test_a_large_body_is_not_given_memory_before_it_comes() -> None:
    read, _ = sized(b"a little", 10**15)
    with pytest.raises(BodyEnded):
        read.read()
    assert not read.ended
    assert read.abandoned


CHUNKS = {
    "upper case": b"A\r\n0123456789\r\n",
    "zeros": b"0000000000000a\r\n0123456789\r\n",
    "an extension": b"a;name\r\n0123456789\r\n",
    "values": b'a; one=1 ;two = "a;\\"b\x80"\r\n0123456789\r\n',
}
ENDS = {
    "plain": b"0\r\n\r\n",
    "zeros": b"000\r\n\r\n",
    "an extension": b"0;last\r\n\r\n",
    "a trailer": b"0\r\nX-Sum: 5\r\nExpires: \r\n\r\n",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("data", CHUNKS.values(), ids=CHUNKS.keys())
def test_chunks_as_they_may_be_written(data: bytes, end: bytes) -> None:
    read, source = chunked(data, end)
    assert read.read() == b"0123456789"
    assert source.read() == AFTER


BAD = {
    "no size": b"\r\n",
    "a sign": b"+5\r\nhello\r\n",
    "a negative size": b"-5\r\nhello\r\n",
    "a prefix": b"0x5\r\nhello\r\n",
    "an underscore": b"0_5\r\nhello\r\n",
    "a space before": b" 5\r\nhello\r\n",
    "a space behind": b"5 \r\nhello\r\n",
    "a space before an extension": b"5 ;a\r\nhello\r\n",
    "a space behind an extension": b"5;a \r\nhello\r\n",
    "a tab behind": b"5\t\r\nhello\r\n",
    "a vertical tab": b"5\x0b\r\nhello\r\n",
    "no digits": b"five\r\nhello\r\n",
    "too many digits": b"0" * 16 + b"5\r\nhello\r\n",
    "a bare LF": b"5\nhello\r\n",
    "a bare CR": b"5\rhello\r\n",
    "a bare LF in an extension": b"5;a\nb\r\nhello\r\n",
    "a bare CR in an extension": b"5;a\rb\r\nhello\r\n",
    "a control character in an extension": b'5;a="\0"\r\nhello\r\n',
    "no name of an extension": b"5;\r\nhello\r\n",
    "a space in an extension": b"5;a b\r\nhello\r\n",
    "no value of an extension": b"5;a=\r\nhello\r\n",
    "an open quote": b'5;a="b\r\nhello\r\n',
    "a long extension": b"5;" + b"a" * module.CHUNK_LINE + b"\r\nhello\r\n",
    "data shorter than its size": b"6\r\nhello\r\n",
    "data longer than its size": b"4\r\nhello\r\n",
    "a bare LF behind the data": b"5\r\nhello\n",
    "nothing behind the data": b"5\r\nhello5\r\nhello\r\n",
    "a trailer without a colon": b"0\r\nX\r\n\r\n",
    "a trailer with a space before its colon": b"0\r\nX : y\r\n\r\n",
    "a folded trailer": b"0\r\nX: y\r\n z\r\n\r\n",
    "a trailer with a NUL": b"0\r\nX: \0\r\n\r\n",
    "a trailer with a bare LF": b"0\r\nX: y\n\r\n",
    "a bare LF at the end": b"0\r\n\n",
    "a trailer with a length": b"0\r\ncontent-length: 5\r\n\r\n",
    "a trailer with a coding": b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a trailer with a host": b"0\r\nHost: there\r\n\r\n",
    "a long trailer": b"0\r\nX: " + b"y" * module.TRAILER + b"\r\n\r\n",
    "many trailers": b"0\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("way", ["read", "readline", "readlines", "discard"])
def test_chunks_that_are_none_end_the_connection(data: bytes, way: str) -> None:
    read, _ = chunked(data)
    if way == "discard":
        read.discard()
    else:
        with pytest.raises(RequestError):
            list(iter(getattr(read, way), None))
        with pytest.raises(RequestError):
            read.read(1)
    assert read.error is not None
    assert read.error.status == "400 Bad Request"
    assert not read.ended
    assert read.abandoned


def test_small_chunks_take_no_more_memory_than_large_ones() -> None:
    data = in_chunks(b"xy" * 100_000, 2)
    read, _ = chunked(data)
    tracemalloc.start()
    try:
        assert read.read() == b"xy" * 100_000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_line_in_small_chunks_takes_no_more_memory_than_in_large_ones() -> None:
    data = b"x" * 400_000 + b"\n"
    read, _ = chunked(in_chunks(data, 2))
    tracemalloc.start()
    try:
        assert read.readline() == data
        assert tracemalloc.get_traced_memory()[1] < 4 * len(data)
    finally:
        tracemalloc.stop()


def test_a_connection_that_fails_ends_the_body() -> None:
    class Failing(RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            raise ConnectionResetError(104, "reset")

    body = SizedBody(BufferedReader(Failing()), 1.0, 5)
    for _ in range(2):
        with pytest.raises(BodyEnded):
            body.read()
    assert body.abandoned


def test_extensions_cost_no_more_than_the_data_justify() -> None:
    chunk = b"1;a=" + b"x" * 100 + b"\r\ny\r\n"
    few = module.EXTENSIONS // 100
    assert chunked(chunk * few)[0].read() == b"y" * few
    with pytest.raises(RequestError):
        chunked(chunk * few * 2)[0].read()
    # Clients that sign each chunk send larger chunks.
    signed = b"400;chunk-signature=" + b"0" * 64 + b"\r\n" + b"y" * 1024 + b"\r\n"
    assert len(chunked(signed * 1000)[0].read()) == 1_024_000


@pytest.mark.parametrize(
    "data", [b"", b"5", b"5\r\nhel", b"5\r\nhello", b"5\r\nhello\r\n", b"0\r\nX"]
)
def test_a_chunked_body_that_is_cut_off(data: bytes) -> None:
    read = ChunkedBody(reader(data), 1.0)
    with pytest.raises(OSError, match=r"ended early|invalid|longer"):
        read.read()
    assert not read.ended


# Unread bodies


def test_what_nobody_wants_is_read_within_a_bound() -> None:
    size = module.DRAINED
    read, source = sized(b"x" * size)
    read.discard()
    assert read.ended
    assert source.read() == AFTER
    read, source = sized(b"x" * (size + 1))
    assert read.abandoned
    read.discard()
    assert not read.ended
    read, _ = chunked(in_chunks(b"x" * (2 * size), 1000))
    assert not read.abandoned
    read.discard()
    assert not read.ended


def test_an_abandoned_body_is_not_read() -> None:
    read, source = sized(LINES)
    read.abandon()
    read.discard()
    assert not read.ended
    assert source.read() == LINES + AFTER


def test_a_body_that_was_not_read_cannot_be_after_the_answer() -> None:
    """An application that kept it would read the next request."""
    read, source = sized(b"x" * (module.DRAINED + 1))
    read.discard()
    with pytest.raises(OSError, match="any more"):
        read.read(1)
    assert source.read(1) == b"x"


def test_reading_that_is_interrupted_leaves_the_body_unfinished() -> None:
    """What was read is lost, so the rest would end inside of the next request."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        read = SizedBody(buffered_input(ours, 10.0), 1.0, 10)
        theirs.sendall(b"12345")
        with gevent.Timeout(0.05, False):  # type: ignore[arg-type]
            read.read()
        theirs.sendall(b"67890GET")
        assert read.abandoned
        read.discard()
        assert not read.ended


def test_a_body_is_read_by_one_greenlet_at_a_time() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        read = SizedBody(buffered_input(ours, 10.0), 1.0, 10)
        first = gevent.spawn(read.read)
        gevent.sleep(0)
        with pytest.raises(OSError, match="any more"):
            read.read()
        theirs.sendall(b"0123456789")
        assert first.get() == b"0123456789"


def test_a_client_that_sends_no_more_is_not_waited_for() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        read = SizedBody(buffered_input(ours, 0.05), 1.0, 10)
        theirs.sendall(b"12345")
        with pytest.raises(RequestError) as caught:
            read.read()
        assert caught.value.status == "408 Request Timeout"
        assert not read.ended


# 100 (Continue)


class Asked(RawIOBase):
    """Sends a body after the server has asked for it."""

    def __init__(self, data: bytes) -> None:
        self._data = BytesIO(data)
        self.asked = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        assert self.asked
        return self._data.readinto(buffer)

    def ask(self) -> None:
        self.asked += 1


@pytest.mark.parametrize("size", [1, 3, -1])
def test_the_client_is_asked_once_and_only_for_what_is_read(size: int) -> None:
    source = Asked(LINES + AFTER)
    read = SizedBody(BufferedReader(source), 1.0, len(LINES), source.ask)
    assert not source.asked
    assert b"".join(iter(lambda: read.read(size), b"")) == LINES
    assert source.asked == 1


def test_no_body_is_asked_for_after_the_answer_has_begun() -> None:
    source = Asked(LINES)
    read = SizedBody(BufferedReader(source), 1.0, len(LINES), source.ask)
    read.withhold_continue()
    assert read.abandoned
    read.discard()
    assert not read.ended
    assert not source.asked
