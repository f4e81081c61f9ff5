"""Requests for a plain WebSocket that are refused."""

from __future__ import annotations

import pytest
from tg.configurator.components.error_pages import ErrorPagesConfigurationComponent
from webtest import TestApp

from tests.engine.conftest import Live, Serve
from tgext.socketio.server import NO_CHALLENGES

from .conftest import Root, connected, make_app


def test_an_ordinary_request_has_no_websocket(live: Live) -> None:
    assert live.http().get("/page").text == "websocket: None"


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_a_request_without_an_upgrade_is_bad(live: Live, method: str) -> None:
    reply = live.http().request(method, "/echo")
    assert reply.status == 400
    assert reply.headers["Content-Type"].lower() == "text/plain; charset=utf-8"
    assert reply.text == ("" if method == "HEAD" else "Invalid WebSocket request")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-WebSocket-Version": "12"}, 426),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Upgrade": "h2c"}, 400),
    ],
)
def test_a_handshake_that_cannot_be_accepted_is_refused(
    live: Live, headers: dict[str, str], status: int
) -> None:
    client = live.websocket("/echo", headers=headers)
    assert client.status == status
    if status == 426:
        assert client.headers["Upgrade"] == "websocket"
        assert client.headers["Sec-WebSocket-Version"] == "13"


@pytest.mark.parametrize(("user", "status"), [("", 401), ("bob", 403), ("ada", 101)])
def test_requirements_are_met_before_the_handshake(
    live: Live, root: Root, user: str, status: int
) -> None:
    client = live.websocket("/hers", headers={"Cookie": f"user={user}"})
    assert client.status == status
    if status == 101:
        assert client.receive() == "hello ada"
    else:
        assert root.seen == []
        # An ordinary request is refused as a handshake is.
        reply = live.http().get("/hers", {"Cookie": f"user={user}"})
        assert reply.status == status


def test_allow_only_guards_too(live: Live) -> None:
    assert live.websocket("/members/chat").status == 401
    assert connected(live, "/members/chat", "ada").receive() == "ada"


def test_error_pages_leave_the_answer_alone(serve: Serve, root: Root) -> None:
    """A client that is not a browser gets the status, not an error page."""
    options = {"status_code_redirect": True, "errorpage.status_codes": [403, 404, 400]}
    live = serve(
        application=make_app(root, ErrorPagesConfigurationComponent, **options)
    )
    live.server.opening_environ = NO_CHALLENGES
    assert live.http().get("/echo").text == "Invalid WebSocket request"
    client = live.websocket("/hers", headers={"Cookie": "user=bob"})
    assert client.status == 403


def test_arguments_are_validated_before_the_handshake(live: Live) -> None:
    client = connected(live, "/checked/2/word", "ada")
    assert [client.receive(), client.receive()] == ["WORD", "WORD"]
    assert client.receive_close() == 1000


def test_arguments_that_are_refused_refuse_the_handshake(live: Live) -> None:
    headers = {"Cookie": "user=ada"}
    refusal = live.websocket("/checked/x/two%20words", headers=headers).refusal()
    assert refusal.status == 400
    assert "word: One word, please" in refusal.text
    assert "count: " in refusal.text
    assert live.websocket("/checked/x/two%20words").status == 401


def test_an_error_handler_answers_over_http(live: Live) -> None:
    refusal = live.websocket("/handled?word=two+words").refusal()
    assert (refusal.status, refusal.text) == (200, "wrong: word")
    assert connected(live, "/handled?word=one").receive() == "ONE"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        (
            {
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            },
            400,
        ),
        (
            {
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Version": "12",
            },
            426,
        ),
    ],
)
def test_another_server_answers_alike(
    root: Root, headers: dict[str, str], status: int
) -> None:
    """For example WebTest, which offers no access to the connection."""
    environ = {"SERVER_PROTOCOL": "HTTP/1.1"}
    response = TestApp(make_app(root)).get(
        "/echo", headers=headers, extra_environ=environ, status=status
    )
    assert response.text == "Invalid WebSocket request"
