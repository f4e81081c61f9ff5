"""Over TLS, a session is reached through any process, too."""

from __future__ import annotations

from pathlib import Path
from ssl import create_default_context
from typing import Any

import pytest

from tests.certificates import make_certificate
from tests.engine import connections
from tests.engine.conftest import Serve, manage

from .streets import two
from .test_handover import (
    NAMESPACES,
    test_a_body_may_come_later_and_is_limited_by_its_owner,
    test_a_client_that_leaves_is_noticed,
    test_one_connection_serves_the_sessions_of_several_processes,
    test_requests_go_to_any_process,
)

__all__ = [
    "test_a_body_may_come_later_and_is_limited_by_its_owner",
    "test_a_client_that_leaves_is_noticed",
    "test_one_connection_serves_the_sessions_of_several_processes",
    "test_requests_go_to_any_process",
]

Certificate = tuple[Path, Path]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def serve(
    serve: Serve, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> Serve:
    """Servers that speak TLS, to clients that do."""
    certfile, keyfile = map(str, certificate)
    monkeypatch.setattr(connections, "TLS", create_default_context(cafile=certfile))

    def start(*args: Any, **options: Any) -> Any:
        return serve(*args, **{"certfile": certfile, "keyfile": keyfile, **options})

    return start


def test_the_scheme_is_known_where_a_connection_has_gone(serve: Serve) -> None:
    accept = manage(NAMESPACES)

    def application(environ: Any, start_response: Any) -> list[bytes]:
        if "socketio" in environ:
            return accept(environ, start_response)
        start_response("200 OK", [])
        return [environ["wsgi.url_scheme"].encode()]

    one, other = two(serve, NAMESPACES, application=application)
    client = one.polling_5()
    http = other.http()
    assert http.post(client.target, "40/chat").text == "ok"
    assert http.get("/").text == "https"
