"""A server without a port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tgext.socketio.testing.host import Host
from tgext.socketio.testing.link import Link


def show(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    names = ("SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR", "REMOTE_USER", "wsgi.x")
    return [",".join(str(environ.get(each)) for each in names).encode()]


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host(show, "socketio")
    host.start()
    yield host
    host.stop()


def ask(host: Host, extra: dict[str, Any]) -> str:
    link = Link(host.connect(extra), 5)
    text = link.ask("/", {"Host": "here"}).text
    link.drop()
    return text


def test_each_connection_has_its_own_environment(host: Host) -> None:
    first = ask(host, {"REMOTE_USER": "ann", "wsgi.x": 1})
    assert first == "localhost,80,127.0.0.1,ann,1"
    assert ask(host, {}) == "localhost,80,127.0.0.1,None,None"


def test_it_starts_again(host: Host) -> None:
    host.stop()
    assert not host.started


def test_two_at_once(host: Host) -> None:
    other = Host(show, "socketio")
    other.start()
    assert ask(other, {}) == ask(host, {})
    other.stop()
