"""The server's own TLS: all that works without it works with it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import pytest
from gevent.ssl import create_default_context

from tests.certificates import make_certificate
from tgext.socketio.engine.server import SocketIOServer

from . import clients
from .clients import KINDS, wait_for
from .conftest import Serve
from .namespaces import Witness, fresh
from .test_cork import *  # noqa: F403
from .test_outbox import *  # noqa: F403
from .test_transports import *  # noqa: F403
from .test_upgrade import *  # noqa: F403
from .test_websocket import *  # noqa: F403
from .test_websocket import NO_LINGER
from .test_wsgiwebsocket import *  # noqa: F403

Certificate = tuple[Path, Path]

CLOSE = ("transport close",)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def serve(
    serve: Serve, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> Serve:
    """Servers that speak TLS, to clients that do."""
    certfile, keyfile = certificate
    context = create_default_context(cafile=str(certfile))
    monkeypatch.setattr(clients, "TLS", context)

    def start(*args: Any, **options: Any) -> Any:
        files = {"certfile": str(certfile), "keyfile": str(keyfile)}
        return serve(*args, **{**files, **options})

    return start


# What TLS makes a difference to


@pytest.mark.parametrize("kind", [each for each in KINDS if "websocket" in each])
@pytest.mark.parametrize("resets", [True, False])
def test_a_client_that_vanishes_is_noticed(
    serve: Serve, kind: str, resets: bool
) -> None:
    """Not every Python tells a reset from an end without a ``close_notify``."""
    namespace = fresh(Witness)
    live = serve({"/chat": namespace})
    client: Any = live.client(kind)
    client.join("/chat")
    if resets:
        client.websocket.sock.setsockopt(SOL_SOCKET, SO_LINGER, NO_LINGER)
    client.close()
    wait_for(lambda: not live.server.sockets, "the session ends")
    (reason,) = namespace.left
    assert reason in (("transport close", "transport error") if resets else CLOSE)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01"])
def test_who_does_not_speak_tls_is_let_go(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: Any, sent: bytes
) -> None:
    caplog.set_level("INFO", "tgext.socketio.engine.server")
    live = serve({"/chat": Witness}, header_timeout=0.2)
    with monkeypatch.context() as plain:
        plain.setattr(clients, "TLS", None)
        client = live.raw()
        client.send_raw(sent)
        client.expect_end()
    (record,) = caplog.records
    assert record.getMessage().startswith("A TLS handshake failed: ")
    assert record.exc_info is None
    assert live.http().get("/").body == b"a page"


def test_the_application_knows_the_scheme(serve: Serve) -> None:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [environ["wsgi.url_scheme"].encode()]

    assert serve(application=application).http().get("/").body == b"https"


def test_a_cookie_with_the_session_id_is_for_tls_alone(serve: Serve) -> None:
    live = serve({"/chat": Witness}, cookie="io", handshake_timeout=0.2)
    reply = live.http().get("/socket.io/?EIO=4&transport=polling")
    assert "; Secure" in reply.headers["Set-Cookie"]


def test_the_peer_is_told_that_nothing_follows(serve: Serve) -> None:
    """Without its ``close_notify`` a client could not tell it from an attack."""
    live = serve({"/chat": Witness})
    for target in ("/", "/socket.io/?EIO=4&transport=websocket"):
        client = live.websocket_5().websocket if "EIO" in target else live.raw()
        client.sock.suppress_ragged_eofs = False
        if "EIO" in target:
            client.send_close()
            client.drain()
        else:
            client.send_raw(b"GET / HTTP/1.0\r\n\r\n")
            client.receive_reply()
        client.expect_end()


@pytest.mark.parametrize("size", [100_000, 900_000])
def test_messages_larger_than_a_record_of_tls(
    serve: Serve, kind: str, size: int
) -> None:
    client = serve({"/chat": fresh(Witness)}).client(kind)
    client.join("/chat")
    for text in ("x" * size, "y" * size):
        assert client.call("/chat", "echo", text) == [text]


def test_no_descriptor_is_left(serve: Serve, kind: str) -> None:
    live = serve({"/chat": fresh(Witness)})

    def visit() -> None:
        client = live.client(kind)
        client.join("/chat")
        assert client.call("/chat", "echo", 1) == [1]
        client.close()
        wait_for(lambda: not live.server._requests, "its greenlets end")

    visit()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        visit()
    wait_for(lambda: len(os.listdir("/proc/self/fd")) <= before, "all are closed")


# The options


def write(path: Path, text: str = "") -> str:
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda own, tmp: (str(tmp / "no.pem"), None), "certfile: .*no.pem' cannot be"),
        (lambda own, tmp: (own[0], str(tmp / "no.pem")), "keyfile: .* cannot be read"),
        (lambda own, tmp: (None, own[1]), "keyfile: .* has no certfile"),
        (lambda own, tmp: (write(tmp / "a.pem"), None), "certfile: .* in PEM"),
        (lambda own, tmp: (own[0], None), "certfile: .* with its key in PEM"),
        (lambda own, tmp: (own[0], own[0]), "certfile, keyfile: .*or .* no key"),
        (
            lambda own, tmp: (own[0], str(make_certificate(tmp)[1])),
            "keyfile: .* is not the key of",
        ),
    ],
)
def test_a_certificate_that_cannot_be_used_is_named(
    certificate: Certificate, tmp_path: Path, make: Any, message: str
) -> None:
    own = tuple(map(str, certificate))
    certfile, keyfile = make(own, tmp_path)
    with pytest.raises(ValueError, match=message):
        SocketIOServer(("127.0.0.1", 0), None, certfile=certfile, keyfile=keyfile)


def test_a_key_with_a_password_is_refused_rather_than_asked_for(
    certificate: Certificate, tmp_path: Path
) -> None:
    certfile, keyfile = map(str, certificate)
    encrypted = str(tmp_path / "encrypted.pem")
    command = ["openssl", "rsa", "-aes256", "-passout", "pass:secret"]
    subprocess.run(
        [*command, "-in", keyfile, "-out", encrypted], check=True, capture_output=True
    )
    with pytest.raises(ValueError, match="is encrypted"):
        SocketIOServer(("127.0.0.1", 0), None, certfile=certfile, keyfile=encrypted)
