"""What HTTP carries for polling: bodies, their types, and JSONP around them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from ...wire.engineio import v3 as engineio_3
from ...wire.errors import PayloadError
from ...wire.limits import Limits
from ...wire.socketio.generations import SOCKETIO_1, SOCKETIO_4, SOCKETIO_5, Generation
from ..concurrency.fairness import in_turns
from .routes import Route

if TYPE_CHECKING:
    from ..session.session import Socket

Messages = Sequence["str | bytes"]
Answer = tuple[list[tuple[str, str]], bytes]

_TEXT = ("Content-Type", "text/plain; charset=UTF-8")
_BYTES = ("Content-Type", "application/octet-stream")
_SCRIPT = ("Content-Type", "text/javascript; charset=UTF-8")

#: The functions that a JSONP answer calls.
_CALLS = {SOCKETIO_1: "io.j", SOCKETIO_4: "___eio", SOCKETIO_5: "___eio"}

#: Fields of a form.
_MOST_FIELDS = 10

#: Bytes of a form that are decoded at once: about a millisecond.
_PIECE = 8192

#: Stands for what is no line end while those are replaced; no text has it.
_KEPT = "\ud800"


def is_callback(number: str) -> bool:
    """Whether a JSONP answer may name this function: a number, of a few digits."""
    return number.isascii() and number.isdigit() and len(number) < 10


def answer(route: Route, socket: Socket, messages: Messages) -> Answer:
    """The headers and the body of a poll."""
    generation = socket.generation
    # Clients say it in their handshake alone.
    no_bytes = socket.base64 or route.base64 or route.jsonp
    if generation is SOCKETIO_4 and not no_bytes and engineio_3.needs_bytes(messages):
        return [_BYTES], engineio_3.encode_binary_payload(messages)
    if generation is SOCKETIO_4:
        text = engineio_3.encode_payload(messages, socket.encodes_twice)
    else:
        text = generation.encode_payload(messages)
    return text_answer(route, generation, text)


def text_answer(route: Route, generation: Generation, text: bytes) -> Answer:
    """The headers and the body of an answer that is text."""
    if route.jsonp is None:
        return [_TEXT], text
    # In ASCII, U+2028 and U+2029 are no line ends of the script.
    quoted = json.dumps(text.decode())
    call = f"{_CALLS[generation]}[{route.jsonp}]({quoted});"
    return [_SCRIPT], call.encode()


def read(
    route: Route, generation: Generation, body: bytes, content_type: str, limits: Limits
) -> Iterator[str | bytes]:
    """The messages in the body of a POST, one by one.

    :raises PayloadError: when it cannot be read; where one of them comes.
    """
    if route.jsonp is not None:
        body = read_form(generation, body)
    elif generation is SOCKETIO_4 and content_type.startswith(_BYTES[1]):
        return engineio_3.iter_binary_payload(body, limits)
    return generation.decode_payload(body, limits)


def read_form(generation: Generation, body: bytes) -> bytes:
    """What a form brings in its field ``d``; others have their turns meanwhile.

    :raises PayloadError: when there is none, or it cannot be read.
    """
    fields = body.split(b"&", _MOST_FIELDS)
    found = [each[2:] for each in fields if each[:2] == b"d=" and each[2:]]
    try:
        if not found or len(fields) > _MOST_FIELDS or not body.isascii():
            raise ValueError
        unquoted = b"".join(in_turns(_unquoted(found[0])))
        text = unquoted.decode("utf-8", "replace")
        if generation is SOCKETIO_1:
            # They write a string; anything else may be large, or deep, once it is read.
            if not text.lstrip().startswith('"'):
                raise ValueError
            return json.loads(text).encode()  # type: ignore[no-any-return]
    except ValueError:
        raise PayloadError("the form has no field `d` that can be read") from None
    # Clients write `\\n` for a line end, and one more backslash where that was there.
    text = text.replace("\\\\n", _KEPT).replace("\\n", "\n").replace(_KEPT, "\\n")
    return text.encode()


def _unquoted(data: bytes) -> Iterator[bytes]:
    """Percent-encoded bytes decoded, piece by piece."""
    start = 0
    while start < len(data):
        end = start + _PIECE
        cut = data.rfind(b"%", end - 2, end)
        if cut > start:
            end = cut  # not in the middle of one
        yield unquote_to_bytes(data[start:end].replace(b"+", b" "))
        start = end
