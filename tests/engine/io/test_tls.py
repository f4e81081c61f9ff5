"""The server's TLS: everything works as without TLS."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from socket import SO_LINGER, SO_SNDBUF, SOL_SOCKET
from typing import Any

import gevent
import pytest
from gevent import monkey, socket
from gevent.ssl import SSLContext, create_default_context

from tests.certificates import make_certificate
from tgext.socketio.engine.io.backlog import OutputBounds
from tgext.socketio.engine.io.batcher import Batcher
from tgext.socketio.engine.io.output import SocketOutbox
from tgext.socketio.engine.io.sockets import RECORD
from tgext.socketio.engine.io.tls import server_context
from tgext.socketio.engine.server import SocketIOServer

from .. import connections as of_clients
from ..clients import DEADLINE, KINDS, wait_for
from ..conftest import Serve
from ..plain import echo, serving
from ..sample_namespaces import Witness, fresh
from ..server.test_payloads import *  # noqa: F403
from ..transports.test_polling import *  # noqa: F403
from ..transports.test_streaming import *  # noqa: F403
from ..transports.test_upgrade import *  # noqa: F403
from ..transports.test_websocket import *  # noqa: F403
from ..transports.test_websocket import NO_LINGER
from ..websocket.test_inbox import *  # noqa: F403
from ..websocket.test_stream import *  # noqa: F403

# These three have the names of tests of Socket.IO's WebSockets.
from ..websocket.test_stream import (  # noqa: F401
    test_a_client_that_does_not_answer_a_close_frame_is_left as test_a_stream_is_left,
)
from ..websocket.test_stream import (  # noqa: F401
    test_a_pong_needs_no_answer as test_a_pong_in_a_stream,
)
from ..websocket.test_stream_bad_input import *  # noqa: F403
from ..websocket.test_stream_bad_input import (  # noqa: F401
    test_the_close_frame_arrives_though_the_client_goes_on_sending as test_a_stream,
)
from ..websocket.test_wsgi import *  # noqa: F403
from .test_batcher import *  # noqa: F403
from .test_output import *  # noqa: F403

Certificate = tuple[Path, Path]

CLOSE = ("transport close",)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), bits=2048)


@pytest.fixture
def serve(
    serve: Serve, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> Serve:
    """Servers that speak TLS, to clients that do."""
    certfile, keyfile = certificate
    context = create_default_context(cafile=str(certfile))
    monkeypatch.setattr(of_clients, "TLS", context)

    def start(*args: Any, **options: Any) -> Any:
        files = {"certfile": str(certfile), "keyfile": str(keyfile)}
        return serve(*args, **{**files, **options})

    return start


# Where TLS makes a difference


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
def test_clients_without_tls_are_disconnected(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: Any, sent: bytes
) -> None:
    caplog.set_level("INFO", "tgext.socketio.engine.server.server")
    live = serve({"/chat": Witness}, header_timeout=0.2)
    with monkeypatch.context() as plain:
        plain.setattr(of_clients, "TLS", None)
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


def test_a_cookie_with_the_session_id_is_sent_over_tls_only(serve: Serve) -> None:
    live = serve({"/chat": Witness}, cookie="io", handshake_timeout=0.2)
    reply = live.http().get("/socket.io/?EIO=4&transport=polling")
    assert "; Secure" in reply.headers["Set-Cookie"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_pages_without_tls_are_not_the_servers_own(serve: Serve, scheme: str) -> None:
    """Any attacker between the server and the browser can write such a page."""
    live = serve({"/chat": Witness}, handshake_timeout=0.2)
    origin = {"Origin": f"{scheme}://127.0.0.1:{live.port}"}
    reply = live.http().get("/socket.io/?EIO=4&transport=polling", origin)
    assert reply.status == (200 if scheme == "https" else 403)


class Ended:
    """A client that checks how its connection ends, which few clients do."""

    def __init__(self, raw: Any) -> None:
        raw.sock.suppress_ragged_eofs = False
        self.raw = raw

    def expect(self) -> None:
        """Expect an end with ``close_notify``; one without it would raise."""
        assert self.raw.sock.recv(65536) == b""


def leave(websocket: Any) -> None:
    websocket.send_close()
    websocket.drain()


def is_left(websocket: Any) -> None:
    websocket.send("go")
    assert websocket.receive_close() == 1000
    websocket.send_close()


def ask_for_a_page(raw: Any) -> None:
    raw.send_raw(b"GET / HTTP/1.0\r\n\r\n")
    raw.receive_reply()


@pytest.mark.parametrize(
    ("target", "end"),
    [
        ("/socket.io/?EIO=4&transport=websocket", leave),
        ("/plain", leave),
        ("/plain", is_left),
        ("", ask_for_a_page),
    ],
    ids=["Socket.IO", "plain, client first", "plain, server first", "page"],
)
def test_the_peer_is_told_that_nothing_follows(
    serve: Serve, target: str, end: Callable[[Any], None]
) -> None:
    """Without its ``close_notify`` a client could not tell it from an attack."""
    if target.startswith("/plain"):
        live = serve(application=serving(lambda websocket: websocket.receive()))
    else:
        live = serve({"/chat": Witness})
    ended = Ended(live.websocket(target) if target else live.raw())
    end(ended.raw)
    ended.expect()


def both_ends(certificate: Certificate) -> tuple[Any, Any]:
    """The ends of an encrypted connection, the server's first; its buffer is small."""
    certfile, keyfile = map(str, certificate)
    ours, theirs = socket.socketpair()
    ours.setsockopt(SOL_SOCKET, SO_SNDBUF, 20_000)
    context = server_context(certfile, keyfile)
    accepting = gevent.spawn(context.wrap_socket, ours, server_side=True)
    trusting = create_default_context(cafile=certfile)
    peer = trusting.wrap_socket(theirs, server_hostname="localhost")
    return accepting.get(timeout=DEADLINE), peer


def test_a_peer_that_reads_slowly_is_seen_to_read(certificate: Certificate) -> None:
    """OpenSSL reports progress of a large message only when all of it was accepted."""
    sock, peer = both_ends(certificate)
    outbox = SocketOutbox(sock, Batcher(), OutputBounds(10**6, 10))
    data = bytes(range(256)) * 3000
    outbox.write(data)
    received = peer.recv(RECORD)
    # The rest is written again, now with more behind it.
    outbox.write(b"more")
    sizes = set()
    while len(received) < len(data + b"more"):
        received += peer.recv(RECORD)
        sizes.add(outbox.size)
    assert received == data + b"more"
    assert len(sizes) > 10
    outbox.close()
    sock.close()
    peer.close()


class HalfRecords:
    """A client whose records of TLS come in halves, the second one after a while."""

    def __init__(self, context: SSLContext) -> None:
        self._context = context

    def wrap_socket(self, sock: Any, server_hostname: str) -> HalfRecords:
        self._sock = sock
        self._input, self._output = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = self._context.wrap_bio(
            self._input, self._output, server_hostname=server_hostname
        )
        self._do(self._tls.do_handshake)
        return self

    def _do(self, function: Callable[..., Any], *args: Any) -> Any:
        while True:
            try:
                return function(*args)
            except ssl.SSLWantReadError:
                self._send(self._output.read())
                data = self._sock.recv(65536)
                if not data:
                    return b""
                self._input.write(data)
            finally:
                self._send(self._output.read())

    def _send(self, data: bytes) -> None:
        for half in (data[: len(data) // 2], data[len(data) // 2 :]):
            if half:
                self._sock.sendall(half)
                gevent.sleep(0.01)  # so that the server reads this half alone

    def sendall(self, data: bytes) -> None:
        for start in range(0, len(data), 5000):
            self._do(self._tls.write, data[start : start + 5000])

    def send_half(self, data: bytes) -> None:
        """Send the first half of a record."""
        self._tls.write(data)
        record = self._output.read()
        self._sock.sendall(record[: len(record) // 2])

    def recv(self, size: int) -> bytes:
        data: bytes = self._do(self._tls.read, size)
        return data

    def close(self) -> None:
        self._sock.close()


@pytest.fixture
def half_records(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    assert of_clients.TLS is not None
    monkeypatch.setattr(of_clients, "TLS", HalfRecords(of_clients.TLS))


@pytest.mark.usefixtures("half_records")
@pytest.mark.parametrize("kind", [each for each in KINDS if "websocket" in each])
def test_a_record_may_come_in_pieces(serve: Serve, kind: str) -> None:
    live = serve({"/chat": fresh(Witness)})
    # 0.9 has a separate handshake over HTTP, whose client needs a real socket.
    if kind.startswith("0.9"):
        client = live.websocket("/socket.io/?EIO=4&transport=websocket")
        client.send_close()
        client.drain()
        return
    joined = live.client(kind)
    joined.join("/chat")
    for text in ("short", "x" * 20_000):
        assert joined.call("/chat", "echo", text) == [text]


@pytest.mark.usefixtures("half_records")
def test_a_record_of_a_plain_websocket_may_come_in_pieces(serve: Serve) -> None:
    websocket = serve(application=serving(echo)).websocket("/")
    for text in ("short", "x" * 20_000):
        websocket.send(text)
        assert websocket.receive() == text
    leave(websocket)


@pytest.mark.usefixtures("half_records")
def test_a_record_of_a_request_may_come_in_pieces(serve: Serve) -> None:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    raw = serve(application=application).raw()
    body = b"y" * 20_000
    for _ in range(2):
        head = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 20000\r\n\r\n"
        raw.send_raw(head + body)
        assert raw.receive_reply().body == body


@pytest.mark.usefixtures("half_records")
def test_half_a_record_is_not_waited_for_for_ever(serve: Serve) -> None:
    """The kernel has input, but the rest of its TLS record does not arrive."""
    ended: list[str] = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        try:
            environ["wsgi.input"].read()
        except OSError as error:
            ended.append(str(error))
        start_response("200 OK", [("Content-Length", "0")])
        return []

    raw = serve(application=application, body_timeout=0.2).raw()
    raw.send_raw(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n")
    raw.sock.send_half(b"y" * 100)
    wait_for(lambda: ended, "the application goes on")
    assert "takes too long" in ended[0]


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
        wait_for(lambda: not live.server.hub.requests.number, "its greenlets end")

    visit()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        visit()
    wait_for(lambda: len(os.listdir("/proc/self/fd")) <= before, "all are closed")


# The options


def write(path: Path, text: str = "") -> str:
    path.write_text(text)
    return str(path)


def short_key(directory: Path) -> tuple[str, str]:
    return tuple(map(str, make_certificate(directory, bits=1024)))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda own, tmp: (str(tmp / "no.pem"), None), "certfile: .*no.pem' cannot be"),
        (lambda own, tmp: (own[0], str(tmp / "no.pem")), "keyfile: .* cannot be read"),
        (lambda own, tmp: (None, own[1]), "keyfile: .* needs a certfile"),
        (lambda own, tmp: (write(tmp / "a.pem"), None), "certfile: .* in PEM"),
        (lambda own, tmp: (own[0], None), "certfile: .* or not its key; set"),
        (lambda own, tmp: (own[0], own[0]), "keyfile: .* holds no key in PEM"),
        (lambda own, tmp: (write(tmp / "a.pem"), own[1]), "certfile: .* in PEM$"),
        (lambda own, tmp: short_key(tmp), "certfile: .* a key that is too short"),
        (
            lambda own, tmp: (own[0], str(make_certificate(tmp, bits=2048)[1])),
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


@pytest.mark.parametrize(
    ("context", "message"),
    [
        (create_default_context(), "ssl_context: it is for clients"),
        (
            monkey.get_original("ssl", "SSLContext")(ssl.PROTOCOL_TLS_SERVER),
            "ssl_context: .* not a context of gevent.ssl",
        ),
        ("server.pem", "ssl_context: 'server.pem' is not"),
    ],
    ids=["a client's", "not gevent's", "none"],
)
def test_a_context_that_cannot_be_used_is_said(context: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SocketIOServer(("127.0.0.1", 0), None, ssl_context=context)


def test_a_context_may_be_given_instead(serve: Serve, certificate: Certificate) -> None:
    certfile, keyfile = map(str, certificate)
    context = server_context(certfile, keyfile)
    live = serve({}, ssl_context=context, certfile=None, keyfile=None)
    assert live.http().get("/").text == "a page"
    with pytest.raises(ValueError, match="it has the certificate"):
        SocketIOServer(("", 0), None, ssl_context=context, certfile=certfile)


def test_gevent_does_not_take_an_unknown_option_for_one_of_tls() -> None:
    unknown: Any = {"heartbeat": 2}
    with pytest.raises(TypeError, match="heartbeat: the server has no such option"):
        SocketIOServer(("127.0.0.1", 0), None, **unknown)


# Options of gevent's servers


@pytest.mark.parametrize("shows", [True, False])
def test_a_client_may_need_a_certificate(
    serve: Serve,
    certificate: Certificate,
    monkeypatch: pytest.MonkeyPatch,
    shows: bool,
) -> None:
    certfile, keyfile = map(str, certificate)
    live = serve({}, ca_certs=certfile, cert_reqs=ssl.CERT_REQUIRED)
    context = create_default_context(cafile=certfile)
    if shows:
        context.load_cert_chain(certfile, keyfile)
    monkeypatch.setattr(of_clients, "TLS", context)
    if shows:
        assert live.http().get("/").text == "a page"
    else:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            live.http().get("/")


def test_ciphers_are_chosen(
    serve: Serve, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    cipher = "ECDHE-RSA-AES256-SHA384"  # nobody's first choice
    context = create_default_context(cafile=str(certificate[0]))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"ECDHE-RSA-AES256-GCM-SHA384:{cipher}")
    monkeypatch.setattr(of_clients, "TLS", context)
    http = serve({}, ciphers=cipher).http()
    assert http.get("/").text == "a page"
    assert http.connection.sock.cipher()[0] == cipher


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ca_certs": "absent.pem"}, "ca_certs: 'absent.pem' cannot be read"),
        ({"ca_certs": __file__}, "ca_certs: '.*' holds no certificates"),
        ({"cert_reqs": 7}, "cert_reqs: 7 is no ssl.CERT_"),
        ({"ciphers": "rot13"}, "ciphers: 'rot13' names no cipher"),
    ],
)
def test_an_invalid_one_is_named(
    serve: Serve, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        serve({}, **options)


def test_they_need_a_certificate_of_the_server() -> None:
    with pytest.raises(ValueError, match="ciphers: 'ALL' needs a certfile"):
        SocketIOServer(("", 0), None, ciphers="ALL")
    context = SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with pytest.raises(ValueError, match="ca_certs: 'a' is set in ssl_context"):
        SocketIOServer(("", 0), None, ssl_context=context, ca_certs="a")
