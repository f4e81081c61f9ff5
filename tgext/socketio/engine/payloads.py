"""What HTTP carries for polling: bodies, their types, and JSONP around them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from urllib.parse import parse_qs

from ..wire import engineio_3
from ..wire.errors import PayloadError
from ..wire.limits import Limits
from .generations import SOCKETIO_1, SOCKETIO_4, SOCKETIO_5, Generation
from .routes import Route
from .turns import in_turns

Messages = Sequence["str | bytes"]
Answer = tuple[list[tuple[str, str]], bytes]

_TEXT = ("Content-Type", "text/plain; charset=UTF-8")
_BYTES = ("Content-Type", "application/octet-stream")
_SCRIPT = ("Content-Type", "text/javascript; charset=UTF-8")

#: The functions that a JSONP answer calls.
_CALLS = {SOCKETIO_1: "io.j", SOCKETIO_4: "___eio", SOCKETIO_5: "___eio"}

#: A client that posts a form writes ``\\n`` for a line end, and one more backslash for
#: those that were there.
_LINE_END = re.compile(r"(\\)?\\n")


def is_callback(number: str) -> bool:
    """Whether a JSONP answer may name this function: a number, of a few digits."""
    return number.isascii() and number.isdigit() and len(number) < 10


def answer(route: Route, generation: Generation, messages: Messages) -> Answer:
    """The headers and the body of a poll."""
    takes_bytes = generation is SOCKETIO_4 and not route.base64 and not route.jsonp
    if takes_bytes and engineio_3.needs_bytes(messages):
        return [_BYTES], engineio_3.encode_binary_payload(messages)
    return text_answer(route, generation, generation.encode_payload(messages))


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
) -> Messages:
    """The messages in the body of a POST; others have turns meanwhile.

    :raises PayloadError: when it cannot be read.
    """
    if route.jsonp is not None:
        body = _form(generation, body)
    elif generation is SOCKETIO_4 and content_type.startswith(_BYTES[1]):
        return list(in_turns(engineio_3.iter_binary_payload(body, limits)))
    return list(in_turns(generation.decode_payload(body, limits)))


def _form(generation: Generation, body: bytes) -> bytes:
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=10)
        data = fields["d"][0]
        if generation is SOCKETIO_1:
            return str(json.loads(data)).encode()
    except (KeyError, ValueError):
        raise PayloadError("the form has no field `d` that can be read") from None
    lines = _LINE_END.sub(lambda match: match[0] if match[1] else "\n", data)
    return lines.replace("\\\\n", "\\n").encode()
