"""Streams of requests for :mod:`.smuggling`: valid ones, and those of attackers."""

from __future__ import annotations

from hypothesis import strategies as st

from ..vectors.smuggling import (
    AFTER,
    CHUNKED,
    CODING,
    EMPTY_CHUNKED,
    HIDDEN,
    TRICKS,
    request,
)

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
    """A valid request; others may follow unless it is the last."""
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


#: Pieces that are inserted, or that replace others.
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
