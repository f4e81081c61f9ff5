"""The bodies of polls and POSTs, read and written: types, base64, JSONP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from urllib.parse import unquote_to_bytes

from ...wire.errors import PayloadError
from ...wire.limits import Limits
from ...wire.socketio.generations import Generation
from ...wire.socketio.v1 import FRAME
from ..concurrency.fairness import in_turns
from ..session.session import Socket
from .routes import Route

Messages = Sequence["str | bytes"]
Answer = tuple[list[tuple[str, str]], bytes]

_TEXT = ("Content-Type", "text/plain; charset=UTF-8")
_BYTES = ("Content-Type", "application/octet-stream")
_SCRIPT = ("Content-Type", "text/javascript; charset=UTF-8")

#: The most fields of a form.
MOST_FIELDS = 10

#: Bytes of a form that are decoded at once, which takes about a millisecond.
PIECE = 8192


def is_callback(number: str) -> bool:
    """Whether a JSONP callback is a number of at most nine digits."""
    return number.isascii() and number.isdigit() and len(number) < 10


def answer(route: Route, socket: Socket, messages: Messages) -> Answer:
    """The headers and the body of the answer to a poll."""
    generation = socket.generation
    # Clients send `b64` in the handshake, but not in later requests.
    if not (socket.base64 or route.base64 or route.jsonp):
        body = generation.encode_binary_payload(messages)
        if body is not None:
            return [_BYTES], body
    text = generation.encode_payload(messages, socket.encodes_twice)
    return text_answer(route, generation, text)


def text_answer(route: Route, generation: Generation, text: bytes) -> Answer:
    """The headers and the body of an answer that is text."""
    if route.jsonp is None:
        return [_TEXT], text
    call = f"{generation.jsonp_function}[{route.jsonp}]({_quoted(text.decode())});"
    return [_SCRIPT], call.encode()


def _quoted(text: str) -> str:
    """A text as a string of JavaScript, in ASCII except for the frames of 0.9.

    Python's socketIO-client looks for the frames before it decodes escapes. (U+2028 and
    U+2029 must be escaped: they end a line in JavaScript before 2019.)
    """
    pieces = (json.dumps(each)[1:-1] for each in text.split(FRAME))
    return f'"{FRAME.join(pieces)}"'


def read(
    route: Route, generation: Generation, body: bytes, content_type: str, limits: Limits
) -> Iterator[str | bytes]:
    """The messages in the body of a POST, one by one.

    :raises PayloadError: when it is invalid, after the messages before the error.
    """
    if route.jsonp is not None:
        return generation.decode_payload(read_form(generation, body), limits)
    binary = content_type.startswith(_BYTES[1])
    return generation.decode_payload(body, limits, binary)


def read_form(generation: Generation, body: bytes) -> bytes:
    """The value of a form's field ``d``. Other greenlets run while it is decoded.

    :raises PayloadError: when the form is invalid, or has no such field.
    """
    fields = body.split(b"&", MOST_FIELDS)
    found = [each[2:] for each in fields if each[:2] == b"d=" and each[2:]]
    try:
        if not found or len(fields) > MOST_FIELDS or not body.isascii():
            raise ValueError
        unquoted = b"".join(in_turns(_unquoted(found[0])))
        return generation.form_text(unquoted.decode("utf-8", "replace")).encode()
    except ValueError:
        raise PayloadError("the form has no valid field `d`") from None


def _unquoted(data: bytes) -> Iterator[bytes]:
    """Percent-encoded bytes decoded, piece by piece."""
    start = 0
    while start < len(data):
        end = start + PIECE
        cut = data.rfind(b"%", end - 2, end)
        if cut > start:
            end = cut  # do not cut an escape in two
        yield unquote_to_bytes(data[start:end].replace(b"+", b" "))
        start = end
