"""Requests of sessions that this process does not have, and who does not have them."""

from __future__ import annotations

import logging
from pathlib import Path

import gevent
import pytest

from tests.engine.clients import kinds
from tests.engine.conftest import Serve
from tests.engine.handover.streets import Street, two
from tests.engine.sample_namespaces import Echo
from tgext.socketio.engine.handover.processes import Process

NAMESPACES = {"/chat": Echo}

UNKNOWN = {"code": 1, "message": "Session ID unknown"}

#: What the requests of a session are answered that has ended.
ENDED = {
    "0.9-xhr-polling": (200, "7:::1+0"),
    "2-polling": (400, '{"code":1,"message":"Session ID unknown"}'),
    "4-polling": (400, '{"code":1,"message":"Session ID unknown"}'),
}


@pytest.mark.parametrize("kind", kinds("polling"))
def test_a_session_of_a_process_that_ended_is_unknown(serve: Serve, kind: str) -> None:
    """At once: before the others have heard of its end."""
    street = Street()
    one, other = (serve(NAMESPACES, directory=street.join()) for _ in range(2))
    known = dict(street.processes)
    client = one.joined(kind)
    assert one.server.elsewhere is not None
    one.server.elsewhere.close()
    street.processes.update(known)
    http = other.http()
    reply = http.get(client.target)
    assert (reply.status, reply.text) == ENDED[kind]
    # The connection is as good as any.
    assert http.get("/").text == "a page"


def test_a_token_that_no_process_has_is_unknown(serve: Serve) -> None:
    one, _ = two(serve, NAMESPACES)
    for sid in (
        "x" * 30,
        "x" * 22,
        "../" * 10,
        one.server.hub.registry.token + 22 * "x",
    ):
        reply = one.http().get(f"/socket.io/?EIO=4&transport=polling&sid={sid}")
        assert (reply.status, reply.json) == (400, UNKNOWN)


def test_a_process_that_is_stopped_is_waited_for_a_while(
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    monkeypatch.setattr("tgext.socketio.engine.handover.handover.PATIENCE", 0.1)
    street = Street()
    live = serve(NAMESPACES, directory=street.join())
    # It listens, and takes nothing.
    process = Process("stopped_", str(tmp_path / "socket"))
    street.processes[process.token] = process
    listening = gevent.socket.socket(gevent.socket.AF_UNIX)
    listening.bind(process.path)
    listening.listen()
    sid = f"{process.token}{'x' * 22}"
    raw = live.raw()
    raw.send_raw(
        f"GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\n"
        "Host: a\r\n\r\n".encode()
    )
    reply = raw.receive_reply()
    assert (reply.status, reply.headers["Connection"]) == (503, "close")
    raw.expect_end()
    (line,) = [each for each in caplog.messages if "503" in each]
    assert "does not answer" in line
    assert sid not in caplog.text
    listening.close()


def test_a_kept_connection_goes_on_when_a_process_has_ended(serve: Serve) -> None:
    street = Street()
    one, other = (serve(NAMESPACES, directory=street.join()) for _ in range(2))
    known = dict(street.processes)
    client = one.joined("4-polling")
    assert one.server.elsewhere is not None
    one.server.elsewhere.close()
    street.processes.update(known)
    raw = other.raw()
    for _ in range(3):
        gevent.sleep(0.01)  # the server waits for the request
        raw.send_raw(f"GET {client.target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert raw.receive_reply().status == 400


def test_one_process_knows_of_no_others(serve: Serve) -> None:
    live = serve(NAMESPACES)
    assert live.server.elsewhere is None
    assert len(live.polling_5().sid) == 22
