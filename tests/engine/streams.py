"""Streams of requests for :mod:`.smuggling`: legal ones, and those of attackers."""

from __future__ import annotations

from hypothesis import strategies as st

#: A request that nobody sent, where it stands in a body.
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: here\r\n\r\n"
AFTER = b"GET /after HTTP/1.1\r\nHost: here\r\n\r\n"

#: Tricks with the framing of a body, which is HIDDEN (36 bytes, 0x24) for one reader
#: and empty, or chunks, for another. By name: the header lines, and the body.
SIZE = len(HIDDEN)
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (SIZE, HIDDEN)
EMPTY_CHUNKED = b"0\r\n\r\n" + HIDDEN
LENGTH = b"Content-Length: %d\r\n" % SIZE
CODING = b"Transfer-Encoding: chunked\r\n"

TRICKS: dict[str, tuple[bytes, bytes]] = {
    "CL.TE": (b"Content-Length: %d\r\n%b" % (SIZE + 5, CODING), EMPTY_CHUNKED),
    "TE.CL": (CODING + b"Content-Length: 4\r\n", CHUNKED),
    "CL.0, upgrade": (LENGTH + b"Connection: upgrade\r\nUpgrade: h2c\r\n", HIDDEN),
    "CL, WebSocket": (
        LENGTH + b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
        HIDDEN,
    ),
    "CL hidden by Connection": (LENGTH + b"Connection: Content-Length\r\n", HIDDEN),
    **{
        f"CL {value!r}": (b"Content-Length:%b\r\n" % value, HIDDEN)
        for value in (
            b" +36",
            b" 3_7",
            b" -0",
            b" 0x24",
            b" 36, 36",
            b" 36,0",
            b" 0,36",
            b" \x0b36",
            b" \xa036",
            b" 36\x85",
            b" 3 7",
            b" 36.0",
            b" 036",
            b"\t36\t",
            b"36",
            b"",
        )
    },
    "CL twice": (LENGTH + LENGTH, HIDDEN),
    "CL twice, differing": (b"Content-Length: 0\r\n" + LENGTH, HIDDEN),
    "CL with a space before its colon": (b"Content-Length : %d\r\n" % SIZE, HIDDEN),
    "CL with a tab before its colon": (b"Content-Length\t: %d\r\n" % SIZE, HIDDEN),
    "CL with an underscore": (b"Content_Length: %d\r\n" % SIZE, b""),
    "CL folded": (b"Content-Length:\r\n %d\r\n" % SIZE, HIDDEN),
    "CL in a folded line": (b"X: y\r\n Content-Length: %d\r\n" % SIZE, b""),
    "CL behind a bare LF": (b"X: y\nContent-Length: %d\r\n" % SIZE, HIDDEN),
    "CL behind a bare CR": (b"X: y\rContent-Length: %d\r\n" % SIZE, HIDDEN),
    "CL behind a NUL": (b"X: y\0\r\nContent-Length: %d\r\n" % SIZE, HIDDEN),
    "CL with a NUL": (b"Content-Length\0: %d\r\n" % SIZE, HIDDEN),
    **{
        f"TE {value!r}": (b"Transfer-Encoding:%b\r\n" % value, CHUNKED)
        for value in (
            b" chunked",
            b"chunked",
            b"\tchunked ",
            b" Chunked",
            b" xchunked",
            b" chunked, identity",
            b" identity, chunked",
            b" gzip, chunked",
            b" chunked, chunked",
            b" identity",
            b" chunked;q=1",
            b' "chunked"',
            b" 'chunked'",
            b" \x0bchunked",
            b" \x0cchunked",
            b" chunked\x00",
            b" chunked\xa0",
            b" \xc3\x83chunked",
            b" chun\rked",
            b" cow",
            b"",
        )
    },
    "TE twice": (CODING + b"Transfer-Encoding: identity\r\n", CHUNKED),
    "TE twice, the other way": (b"Transfer-Encoding: cow\r\n" + CODING, CHUNKED),
    "TE with a space before its colon": (
        b"Transfer-Encoding : chunked\r\n",
        CHUNKED,
    ),
    "TE with an underscore": (b"Transfer_Encoding: chunked\r\n", b""),
    "TE with an underscore beside CL": (
        b"Transfer_Encoding: chunked\r\n" + LENGTH,
        HIDDEN,
    ),
    "TE folded": (b"Transfer-Encoding:\r\n chunked\r\n", CHUNKED),
    "TE behind a space": (b" Transfer-Encoding: chunked\r\n", CHUNKED),
    "TE behind a bare LF": (b"X: y\nTransfer-Encoding: chunked\r\n", CHUNKED),
    "TE behind a bare CR": (b"X: y\rTransfer-Encoding: chunked\r\n", CHUNKED),
    "a chunk too short": (CODING, b"1\r\n" + HIDDEN + b"\r\n0\r\n\r\n"),
    "a chunk too long": (CODING, b"fff\r\n" + HIDDEN),
    "a chunk with a sign": (CODING, b"+" + CHUNKED),
    "a chunk with a prefix": (CODING, b"0x" + CHUNKED),
    "a chunk with an underscore": (CODING, b"0_" + CHUNKED),
    "a chunk of 2**64": (CODING, b"1" + b"0" * 16 + b"\r\n" + HIDDEN),
    "a chunk of -1": (CODING, b"-1\r\n" + HIDDEN),
    "an extension with a bare LF": (CODING, b"0;a\n\r\n" + HIDDEN + b"\r\n0\r\n\r\n"),
    "an extension with a bare CR": (CODING, b"2;\rxx\r\n24\r\n0\r\n\r\n"),
    "an extension": (CODING, b'24;a="b;\\"c"\r\n' + HIDDEN + b"\r\n0;d\r\n\r\n"),
    "a chunk that ends with a bare LF": (CODING, CHUNKED.replace(b"\r\n0", b"\n0")),
    "a chunk size that ends with a bare LF": (CODING, b"24\n" + CHUNKED[4:]),
    "a last chunk that ends with a bare LF": (CODING, b"0\r\n\n" + HIDDEN),
    "a trailer": (CODING, b"0\r\nX: y\r\nContent_Length: 36\r\n\r\n"),
    "a trailer with a length": (CODING, b"0\r\nContent-Length: 36\r\n\r\n"),
    "a trailer that is a request": (CODING, b"0\r\n" + HIDDEN),
    "a folded trailer": (CODING, b"0\r\nX: y\r\n z: 1\r\n\r\n"),
    "nothing between two chunks": (CODING, b"1\r\na1\r\nb\r\n0\r\n\r\n"),
    "Expect": (LENGTH + b"Expect: 100-continue\r\n", HIDDEN),
    "another Expect": (LENGTH + b"Expect: 200-ok\r\n", HIDDEN),
    "Expect twice": (LENGTH + b"Expect: 100-continue\r\n" * 2, HIDDEN),
    "Host twice": (LENGTH + b"Host: there\r\n", HIDDEN),
    "no end": (LENGTH + b"\r", HIDDEN),
}


def request(
    fields: bytes, body: bytes, line: bytes = b"POST /form HTTP/1.1\r\n"
) -> bytes:
    """A request with a host."""
    return b"%bHost: here\r\n%b\r\n%b" % (line, fields, body)


METHODS = [b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"x-own"]
TARGETS = [
    b"/",
    b"/form?a=b&c=%ff",
    b"/%C3%A9t%C3%A9/%2e%2e?",
    b"//there/a",
    b"http://there:8080/a?b",
    b"HTTP://there",
    b"/a'b(c)[d]{e}|f",
]
FIELDS = [
    b"Accept: */*",
    b"accept:text/html",
    b"Cookie: a=b",
    b"Cookie: c=d; e=f",
    b"X-Latin: \xe9\xa0\x85",
    b"X-Empty:",
    b"X-Padded: \t a  b \t",
    b"X_Own: 1",
    b"Content_Length: 3",
    b"Content-Type: text/plain",
    b"Connection: keep-alive",
    b"Connection: Upgrade",
    b"Connection: upgrade, TE",
    b"Upgrade: websocket",
    b"Upgrade: h2c",
    b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
    b"TE: trailers",
    b"Trailer: X",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"X-Forwarded-For: 127.0.0.1",
]
CLOSING = [b"Connection: close", b"Connection: Close, TE", b"Expect: 100-continue"]

bodies = st.one_of(
    st.sampled_from([b"", b"a", b"0\r\n\r\n", b"\r\n", HIDDEN, CHUNKED, EMPTY_CHUNKED]),
    st.binary(max_size=40),
)
extensions = st.sampled_from([b"", b"", b";a", b";a=1;b", b'; a = "x\\"y" ;b'])
trailers = st.sampled_from([b"", b"", b"X: y\r\n", b"X:\r\nExpires: 0\r\n"])


@st.composite
def chunks(draw: st.DrawFn, body: bytes) -> bytes:
    """A body in chunks of some sizes."""
    parts = []
    while body:
        size = draw(st.integers(1, len(body)))
        digits = b"%x" if draw(st.booleans()) else b"0%X"
        line = digits % size + draw(extensions)
        parts.append(line + b"\r\n" + body[:size] + b"\r\n")
        body = body[size:]
    last = draw(st.sampled_from([b"0", b"000"])) + draw(extensions)
    return b"".join(parts) + last + b"\r\n" + draw(trailers) + b"\r\n"


@st.composite
def requests(draw: st.DrawFn, last: bool = False) -> bytes:
    """A legal request; others may follow unless it is the last."""
    fields = draw(st.lists(st.sampled_from(FIELDS + CLOSING * last), max_size=5))
    version = draw(st.sampled_from([b"1.1", b"1.1", b"1.0"]))
    if version == b"1.0" and not last:
        fields = [each for each in fields if not each.startswith(b"Connection")]
        fields.append(b"Connection: Keep-Alive")
    fields.append(b"Host: here")
    body = draw(bodies)
    if version == b"1.1" and draw(st.booleans()):
        fields.append(draw(st.sampled_from([CODING, b"transfer-encoding:Chunked"])))
        body = draw(chunks(body))
    elif body or draw(st.booleans()):
        fields.append(b"Content-Length: %d" % len(body))
    fields = draw(st.permutations([each.removesuffix(b"\r\n") for each in fields]))
    line = b"%b %b HTTP/%b" % (
        draw(st.sampled_from(METHODS)),
        draw(st.sampled_from(TARGETS)),
        version,
    )
    before = draw(st.sampled_from([b"", b"", b"", b"\r\n"]))
    return before + b"\r\n".join([line, *fields, b"", body])


@st.composite
def legal_streams(draw: st.DrawFn) -> bytes:
    """Requests one after the other."""
    before = draw(st.lists(requests(), max_size=3))
    return b"".join([*before, draw(requests(last=True))])


#: What is put in, or in the place of something.
SPLINTERS = [
    *(
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b" ",
        b"\t",
        b"\x0b",
        b"\x0c",
        b"\0",
        b"\x7f",
    ),
    *(
        b"\x1c",
        b"\x85",
        b"\xa0",
        b"\xff",
        b":",
        b";",
        b",",
        b"_",
        b"-",
        b"+",
        b"0",
        b"1",
    ),
    *(b"5", b"f", b"x", b'"', b"\\", b"/", b"*", b"%", b"@", b"#", b"HTTP/1.1", b"1.0"),
    *(b"chunked", b"identity", b"close", b"Host: there\r\n", b"Content-Length: 5\r\n"),
    *(
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"\r\n 5",
        HIDDEN,
    ),
    *(b"0\r\n\r\n", b"Connection: upgrade\r\nUpgrade: websocket\r\n"),
]


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A legal stream, or one with a trick, of which some bytes have been changed."""
    stream = draw(legal_streams())
    if draw(st.booleans()):
        fields, body = draw(st.sampled_from(list(TRICKS.values())))
        version = draw(st.sampled_from([b"1.1", b"1.1", b"1.0", b"0.9", b"1.2"]))
        trick = request(fields, body, b"POST /form HTTP/%b\r\n" % version)
        stream = draw(st.sampled_from([trick + stream, stream + trick + AFTER]))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(stream)))
        cut = draw(st.sampled_from([0, 0, 1, 2]))
        put = draw(st.sampled_from([b"", *SPLINTERS]))
        stream = stream[:at] + put + stream[at + cut :]
    return stream


@st.composite
def pieces(draw: st.DrawFn, stream: bytes) -> list[bytes]:
    """A stream as it may arrive."""
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
