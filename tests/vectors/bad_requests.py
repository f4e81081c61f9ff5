"""Requests that are invalid, unfinished, or not sent at all."""

from __future__ import annotations

from typing import Any

from .outcomes import (
    ALL,
    EIO3,
    EIO4,
    NEW,
    OLD,
    Dropped,
    Ended,
    Nothing,
    Outcome,
    Probe,
    Raw,
    Refused,
    Request,
    Silence,
    Vector,
    engine_error,
)

POLLING = "/socket.io/?EIO={version}&transport=polling"
WEBSOCKET = "/socket.io/?EIO={version}&transport=websocket"
OLD_PATH = "/socket.io/1/{transport}/"


def requests(
    name: str,
    method: str,
    generation: str,
    transports: tuple[str, ...],
    target: str,
    live: Refused,
    **fields: Any,
) -> Vector:
    """A request, beside a client with one of ``transports``."""
    sent = Request(method, target, **fields)
    return Vector(name, (generation,), sent, Nothing, live, transports=transports)


BOTH = ("websocket", "polling")
UNKNOWN_SID = Refused(400, engine_error(1, "Session ID unknown"))
BAD_REQUEST = Refused(400, engine_error(3, "Bad request"))
RECONNECT = Refused(200, "7:::1+0")
NOT_ALLOWED = Refused(405, headers={"Allow": "GET, POST, OPTIONS"})

BAD_METHOD = engine_error(2, "Bad handshake method")


def _answer_to(method: str, name: str, generation: str) -> Refused:
    """The answer to a request: of Engine.IO, a handshake must be a GET."""
    if name == "session" or generation == OLD:
        return NOT_ALLOWED
    return Refused(400, None if method == "HEAD" else BAD_METHOD)


SIDS = {"a wrong sid": "unheard", "a sid of another generation": "{sid}"}


def _wrong_sids() -> list[Vector]:
    rows = []
    for name, sid in SIDS.items():
        for generation, version in [(EIO3, 4), (EIO4, 3), (OLD, 4)]:
            target = POLLING.format(version=version) + f"&sid={sid}"
            socket = WEBSOCKET.format(version=version) + f"&sid={sid}"
            rows += [
                requests(name, "GET", generation, BOTH, target, UNKNOWN_SID),
                requests(name, "POST", generation, BOTH, target, UNKNOWN_SID),
                requests(name, "GET", generation, BOTH, socket, UNKNOWN_SID),
                requests(
                    name, "GET", generation, BOTH, socket, UNKNOWN_SID, upgrade=True
                ),
            ]
        for generation in (EIO3, EIO4):
            target = OLD_PATH.format(transport="xhr-polling") + sid
            leave = OLD_PATH.format(transport="") + sid
            socket = OLD_PATH.format(transport="websocket") + sid
            unknown = Refused(400, "Session ID unknown")
            rows += [
                requests(name, "GET", generation, BOTH, target, RECONNECT),
                requests(name, "POST", generation, BOTH, target, RECONNECT),
                requests(name, "GET", generation, BOTH, leave, RECONNECT),
                requests(
                    name, "GET", generation, BOTH, f"{target}?disconnect=1", RECONNECT
                ),
                requests(name, "GET", generation, BOTH, socket, unknown, upgrade=True),
            ]
    return rows


def _one_transport() -> list[Vector]:
    rows = []
    for generation, version in [(EIO3, 3), (EIO4, 4)]:
        target = POLLING.format(version=version) + "&sid={sid}"
        socket = WEBSOCKET.format(version=version) + "&sid={sid}"
        only = ("websocket",)
        rows += [
            requests(
                "a second WebSocket",
                "GET",
                generation,
                only,
                socket,
                BAD_REQUEST,
                upgrade=True,
            ),
            requests(
                "a POST to a WebSocket session",
                "POST",
                generation,
                only,
                target,
                BAD_REQUEST,
                body=b"40",
            ),
            requests(
                "a poll of a WebSocket session",
                "GET",
                generation,
                only,
                target,
                BAD_REQUEST,
            ),
            requests(
                "two polls at once",
                "GET",
                generation,
                ("polling",),
                target,
                Refused(400, engine_error(3, "Bad request"), "transport error"),
                polling=True,
            ),
        ]
    target = OLD_PATH.format(transport="xhr-polling") + "{sid}"
    socket = OLD_PATH.format(transport="websocket") + "{sid}"
    refused = Refused(400, "Bad request")
    only = ("websocket",)
    return [
        *rows,
        requests("a second WebSocket", "GET", OLD, BOTH, socket, refused, upgrade=True),
        requests("a POST to a WebSocket session", "POST", OLD, only, target, refused),
        requests("a poll of a WebSocket session", "GET", OLD, only, target, refused),
    ]


def _methods() -> list[Vector]:
    handshakes = {
        OLD: "/socket.io/1/",
        EIO3: POLLING.format(version=3),
        EIO4: POLLING.format(version=4),
    }
    sessions = {
        OLD: OLD_PATH.format(transport="xhr-polling") + "{sid}",
        EIO3: POLLING.format(version=3) + "&sid={sid}",
        EIO4: POLLING.format(version=4) + "&sid={sid}",
    }
    return [
        requests(
            f"{method}, {name}",
            method,
            generation,
            BOTH,
            target,
            _answer_to(method, name, generation),
        )
        for method in ("PUT", "DELETE", "HEAD", "PATCH", "TRACE", "UNHEARD")
        for name, targets in [("handshake", handshakes), ("session", sessions)]
        for generation, target in targets.items()
    ]


REQUESTS = [
    *_wrong_sids(),
    *_one_transport(),
    *_methods(),
    *(
        requests(
            "a POST for a handshake",
            "POST",
            generation,
            ("polling",),
            target.format(version=version),
            Refused(400, engine_error(2, "Bad handshake method")),
            body=b"40",
        )
        for generation, version in [(EIO3, 3), (EIO4, 4)]
        for target in (POLLING, WEBSOCKET)
    ),
]


# What never comes


def raw(
    name: str, data: bytes, live: Outcome, trickle: bytes = b"", **options: Any
) -> Vector:
    """A TCP connection that does not belong to a client."""
    sent = Raw(data, trickle)
    return Vector(
        name, (EIO4,), sent, Nothing, live, None, ("polling",), options=options
    )


_REQUEST = b"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\n"

NEVER = [
    *(
        Vector(
            f"a probe that never upgrades: {name}",
            NEW,
            Probe(messages),
            Nothing,
            Dropped(),
            transports=("polling",),
            options={"handshake_timeout": 0.15},
        )
        for name, messages in [("not a word", ()), ("a ping", ("2probe",))]
    ),
    Vector(
        "a client that handshakes and vanishes",
        ALL,
        Silence(),
        Nothing,
        Ended("transport close"),
        options={"handshake_timeout": 0.15},
    ),
    raw("headers that do not begin", b"", Dropped(), header_timeout=0.1),
    raw("headers cut short", b"GET / HT", Dropped(), header_timeout=0.1),
    raw("no headers", b"GET / HTTP/1.1\r\n", Refused(400), header_timeout=0.1),
    raw(
        "headers that never end",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-",
        Refused(400),
        header_timeout=0.1,
    ),
    raw(
        "headers that trickle",
        b"GET / HTTP/1.1\r\n",
        Refused(400),
        b"X: y\r\n",
        header_timeout=0.2,
    ),
    *(
        raw(
            f"a body of {length.decode()} bytes",
            _REQUEST + b"Content-Length: " + length + b"\r\n\r\n",
            Refused(400),
        )
        for length in (b"-1", b"x", b"1e3", b"9" * 5000)
    ),
    raw(
        "chunks of -1 bytes",
        _REQUEST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n4\r\n",
        Refused(400),
    ),
    raw(
        "chunks of x bytes",
        _REQUEST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n4\r\n",
        Refused(400),
    ),
]
