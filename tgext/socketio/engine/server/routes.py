"""Parses the URLs of Socket.IO requests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from ...wire.socketio.generations import SOCKETIO_1, SOCKETIO_4, SOCKETIO_5, Generation

#: The generations by value of `EIO`. The first clients 1.0 send 2 but speak revision 3.
ENGINEIO_VERSIONS = {"2": SOCKETIO_4, "3": SOCKETIO_4, "4": SOCKETIO_5}


@dataclass(slots=True)
class Route:
    """What the URL of a request contains."""

    #: None if the client's revision is not served.
    generation: Generation | None
    #: Its name in the URL; empty in a 0.9 handshake.
    transport: str = ""
    #: Empty in a handshake.
    sid: str = ""
    #: Whether a 0.9 client asks to be disconnected.
    disconnect: bool = False
    #: Whether the client cannot read binary payloads.
    base64: bool = False
    #: The number of the function that a JSONP answer calls; None without JSONP.
    jsonp: str | None = None
    #: The resource that the path begins with.
    resource: str = field(default="", compare=False)
    #: The path below the resource without the session id, which is a secret: for logs.
    shown: str = field(default="", compare=False)


def check_paths(resources: str | Iterable[str]) -> list[str]:
    """The paths of Socket.IO, without slashes around them.

    :param resources: one path, or several.
    :raises ValueError: when there is none.
    """
    given = [resources] if isinstance(resources, str) else list(resources)
    if not given:
        raise ValueError("resource: it is empty; name the path of Socket.IO")
    return [each.strip("/") for each in given]


def longest_first(paths: Iterable[str]) -> tuple[str, ...]:
    """Paths, in the order in which a request is compared with them.

    A resource may be below another one.
    """
    return tuple(sorted(set(paths), key=lambda path: (-path.count("/"), path)))


def find_route_of(resources: Iterable[str], path: str, query: str) -> Route | None:
    """The route of a request to a server with several resources; see below.

    :param resources: those of :func:`longest_first`.
    """
    for each in resources:
        route = find_route(each, path, query)
        if route is not None:
            return route
    return None


def find_route(resource: str, path: str, query: str) -> Route | None:
    """The route of a request; None if the application has to answer it.

    :param resource: the path of the controller, without slashes around it.

    Engine.IO has ``/resource/?EIO=4&transport=…``, Socket.IO 0.9 ``/resource/1/`` and
    ``/resource/1/<transport>/<sid>``. The reference server answers every path that
    begins with ``/resource/``. Here, the application answers those below it, unless the
    query has ``EIO`` and ``transport``: it may have pages there.
    """
    prefix = f"/{resource}"
    if not path.startswith(prefix):
        return None
    rest = path[len(prefix) :]
    if rest == "/1" or rest.startswith("/1/"):
        route = _socketio_1(resource, rest, query)
        if route is not None:
            return route
    if not rest.strip("/"):
        return _engineio(resource, query)
    return _engineio(resource, query, below=True) if rest[0] == "/" else None


def _engineio(resource: str, query: str, below: bool = False) -> Route | None:
    if "EIO=" not in query and "transport=websocket" not in query:
        return None
    values = _values(query)
    version = values.get("EIO")
    if below and not (version and "transport" in values):
        return None
    if version is None:
        # Early clients send no `EIO` over a WebSocket. The reference server treats them
        # as Engine.IO 3. The application answers other requests without `EIO`.
        if values.get("transport") != "websocket":
            return None
        version = "3"
    return Route(
        ENGINEIO_VERSIONS.get(version),
        values.get("transport", ""),
        values.get("sid", ""),
        base64="b64" in values,
        jsonp=values.get("j"),
        resource=resource,
    )


def _socketio_1(resource: str, rest: str, query: str) -> Route | None:
    values = _values(query)
    parts = rest.strip("/").split("/")
    if len(parts) == 1:
        jsonp = values.get("jsonp")
        return Route(SOCKETIO_1, jsonp=jsonp, resource=resource, shown="1/")
    if len(parts) != 3:
        return None
    # A client since 0.9.8 disconnects with `/1//<sid>`.
    _, transport, sid = parts
    names = [each.partition("=")[0] for each in query.split("&")]
    leaves = not transport or "disconnect" in names  # which may have no value
    jsonp = values.get("i", "0") if transport == "jsonp-polling" else None
    shown = f"1/{transport}"
    return Route(
        SOCKETIO_1,
        transport,
        sid,
        leaves,
        jsonp=jsonp,
        resource=resource,
        shown=shown,
    )


def _values(query: str) -> dict[str, str]:
    """The first non-empty value of each field of a query."""
    if "%" in query or "+" in query:
        return {name: each[0] for name, each in parse_qs(query).items()}
    # `parse_qs` takes three times as long, and clients need no escapes.
    fields = [each.partition("=") for each in query.split("&")]
    return {name: value for name, _, value in reversed(fields) if value}
