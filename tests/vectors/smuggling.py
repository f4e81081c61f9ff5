"""Request smuggling: requests whose end is ambiguous.

Each is refused, or read in the only way that does not help an attacker.
"""

from __future__ import annotations

#: A request that no client sent: it is a part of a body.
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
