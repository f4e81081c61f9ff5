"""The headers that let pages of other origins read answers (Fetch, "CORS protocol")."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.http.cors import (
    MAX_CHARACTERS,
    MAX_NAMES,
    cors_headers,
    preflight_headers,
)
from tgext.socketio.wire.origin import Origins

from ..conftest import Serve

HERE = "https://here.example"


def allow_origin(allowed: list[str], origin: str | None) -> str | None:
    environ = {} if origin is None else {"HTTP_ORIGIN": origin}
    return dict(cors_headers(environ, Origins(allowed))).get(
        "Access-Control-Allow-Origin"
    )


@pytest.mark.parametrize(
    ("allowed", "origin", "answer"),
    [
        ([HERE], HERE, HERE),
        ([HERE], "https://there.example", None),
        ([HERE], None, None),
        ([HERE], "null", None),
        (["null"], "null", "null"),
        (["*"], HERE, HERE),
        (["*"], "null", "null"),
        ([], HERE, None),
    ],
)
def test_an_origin_is_named_where_it_is_allowed(
    allowed: list[str], origin: str | None, answer: str | None
) -> None:
    assert allow_origin(allowed, origin) == answer


def test_the_answer_depends_on_the_origin_and_lets_credentials_be_sent() -> None:
    headers = dict(cors_headers({"HTTP_ORIGIN": HERE}, Origins([HERE])))
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("", "Content-Type"),
        ("content-type", "Content-Type"),
        ("X-One, X-Two", "Content-Type, X-One, X-Two"),
        (" ,X-One\t,,", "Content-Type, X-One"),
        ("X-One, not a name", "Content-Type"),
        ("X-One\r\nX-Two: 1", "Content-Type"),
        (", ".join(["x"] * MAX_NAMES), "Content-Type" + ", x" * MAX_NAMES),
        (", ".join(["x"] * (MAX_NAMES + 1)), "Content-Type"),
        ("x" * MAX_CHARACTERS, "Content-Type, " + "x" * MAX_CHARACTERS),
        ("x" * (MAX_CHARACTERS + 1), "Content-Type"),
    ],
)
def test_a_preflight_request_may_ask_for_so_many_headers(
    asked: str, answered: str
) -> None:
    environ: dict[str, Any] = {"HTTP_ACCESS_CONTROL_REQUEST_HEADERS": asked}
    headers = dict(preflight_headers(environ))
    assert headers["Access-Control-Allow-Headers"] == answered
    assert "POST" in headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("asked", ["true", "false", None])
@pytest.mark.parametrize(
    ("allowed", "status"), [([HERE], 204), (["*"], 204), ([], 403)]
)
def test_a_page_that_may_connect_may_reach_a_local_network(
    serve: Serve, allowed: list[str], status: int, asked: str | None
) -> None:
    headers = {"Origin": HERE, "Access-Control-Request-Method": "GET"}
    if asked is not None:
        headers["Access-Control-Request-Private-Network"] = asked
    http = serve({}, allowed_origins=allowed).http()
    reply = http.request(
        "OPTIONS", "/socket.io/?EIO=4&transport=polling", headers=headers
    )
    assert reply.status == status
    expected = ["true"] if asked == "true" and status == 204 else None
    assert reply.headers.get_all("Access-Control-Allow-Private-Network") == expected
