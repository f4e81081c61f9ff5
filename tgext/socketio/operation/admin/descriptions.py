"""What administrators see of a socket, and of the arguments of an event.

They are no users: what lets somebody be a user (cookies, tokens, session ids) is not
shown. What a client chose is cut, so that one client fills no page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from math import isfinite
from typing import Any, Final
from urllib.parse import parse_qsl

from ...engine.hub.roomkeys import Room
from ...wire.socketio.packet import Packet

#: Characters of a text, entries of a list or an object, and levels of both.
TEXT: Final = 200
ENTRIES: Final = 20
LEVELS: Final = 4

#: Headers and parameters of a query.
FIELDS: Final = 40

#: Instead of what is not shown.
HIDDEN: Final = "(hidden)"

#: The parameters of a query whose values are shown: those of the protocol, but for the
#: session id. Applications have tokens in others.
_SHOWN: Final = frozenset(("EIO", "transport", "t", "b64", "j"))

#: Parts of the names of headers that have secrets.
_SECRETS: Final = ("auth", "cookie", "csrf", "key", "secret", "session", "token")


def describe(
    socket: Any, endpoint: str, since: float, rooms: Iterable[Room | None]
) -> dict[str, Any]:
    """A socket in a namespace, as the UI has it: JSON can carry it.

    :param since: the time at which it connected, in seconds since 1970.
    :param rooms: those that it is in.
    """
    environ: Mapping[str, Any] = socket.environ or {}
    return {
        "id": socket._tgsio_id_in(endpoint),
        "clientId": socket.log_name,
        "transport": transport_of(socket),
        "nsp": name_of(endpoint),
        "data": {"user": socket._tgsio_user, "client": socket.generation.name},
        "handshake": {
            "address": str(environ.get("REMOTE_ADDR", "")),
            "headers": dict(_headers(environ)),
            "query": dict(_query(str(environ.get("QUERY_STRING", "")))),
            "issued": int(since * 1000),
            "secure": environ.get("wsgi.url_scheme") == "https",
            "time": moment(since),
            "url": _cut(str(environ.get("PATH_INFO", ""))),
            "xdomain": "HTTP_ORIGIN" in environ,
        },
        "rooms": [room for room in rooms if room is not None],
    }


def transport_of(socket: Any) -> str:
    """The name of a socket's transport."""
    transport = socket.transport
    return "none" if transport is None else str(transport.name)


def name_of(endpoint: str) -> str:
    """The name of a namespace in the UI."""
    return endpoint or "/"


def endpoint_of(name: object) -> str:
    """The namespace that the UI names."""
    return f"/{str(name).strip('/')}".rstrip("/")


def moment(seconds: float) -> str:
    """A time since 1970 as JavaScript writes dates in JSON."""
    text = datetime.fromtimestamp(seconds, timezone.utc).isoformat(
        timespec="milliseconds"
    )
    return text.replace("+00:00", "Z")


def shown_event(packet: Packet) -> list[Any]:
    """The name and the arguments of an event, or of a message, for the UI."""
    if packet["type"] == "event":
        return [shown(str(packet.get("name", ""))), *shown(list(packet["args"]))]
    return ["message", shown(packet.get("data"))]


def shown(value: Any, levels: int = LEVELS) -> Any:
    """A value of an application, cut to a size that a page can show.

    JSON can carry the result; it is a copy.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, int):
        return value if abs(value) < 2**53 else _cut(hex(value))
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"({len(value)} bytes)"
    if isinstance(value, Mapping):
        if not levels:
            return f"({len(value)} entries)"
        first = list(value.items())[:ENTRIES]
        return {_cut(str(name)): shown(each, levels - 1) for name, each in first}
    if isinstance(value, (list, tuple)):
        if not levels:
            return f"({len(value)} entries)"
        more = len(value) - ENTRIES
        cut = [shown(each, levels - 1) for each in value[:ENTRIES]]
        return [*cut, f"(and {more} more)"] if more > 0 else cut
    return f"({type(value).__name__})"


def _cut(text: str) -> str:
    # A lone surrogate could not be sent to another process.
    text = text[: TEXT + 1].encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= TEXT else f"{text[:TEXT]}…"


def _headers(environ: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    found = [name for name in environ if name.startswith("HTTP_")][:FIELDS]
    for name in found:
        header = name[5:].lower().replace("_", "-")
        secret = any(part in header for part in _SECRETS)
        yield _cut(header), HIDDEN if secret else _cut(str(environ[name]))


def _query(text: str) -> Iterable[tuple[str, str]]:
    try:
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError:  # there are too many
        return
    for name, value in fields:
        yield _cut(name), _cut(value) if name in _SHOWN else HIDDEN
