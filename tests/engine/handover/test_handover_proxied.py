"""What proxies tell of a client is known in the process that its request goes to."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.engine.clients import RESOURCE, Raw, opened
from tests.engine.conftest import Live, Serve
from tests.engine.sample_namespaces import Echo
from tgext.socketio.wire.proxyprotocol import SIGNATURE

from .streets import Stamp, Street

NAMESPACES = {"/chat": Echo}

CLIENT, FORGED = "203.0.113.9", "198.51.100.1"
HEADERS = {
    "version 1": f"PROXY TCP4 {CLIENT} 10.0.0.1 5000 80\r\n".encode(),
    "version 2": SIGNATURE
    + b"\x21\x11\x00\x0c"
    + bytes([203, 0, 113, 9, 10, 0, 0, 1, 19, 136, 0, 80]),
}


def both(serve: Serve, far: bool, **options: Any) -> tuple[Live, Live]:
    """Two servers behind proxies.

    :param far: whether each is on a machine of its own.
    """
    street = Street(far)
    options = {"trusted_proxies": ["127.0.0.1"], **options}
    if far:
        options["internal_address"] = "127.0.0.1"
    one, other = (
        serve(NAMESPACES, directory=street.join(Stamp()), **options) for _ in range(2)
    )
    return one, other


def ask(raw: Raw, method: str, target: str, *fields: str, size: int = 0) -> Any:
    """Send a request byte by byte, and receive its answer."""
    lines = [f"{method} {target} HTTP/1.1", "Host: a", f"Content-Length: {size}"]
    for each in "\r\n".join([*lines, *fields, "", "?" * size]).encode():
        raw.send_raw(bytes([each]))
    return raw.receive_reply()


def open_session(raw: Raw) -> str:
    reply = ask(raw, "GET", f"{RESOURCE}/?EIO=4&transport=polling")
    sid: str = opened(reply.text)["sid"]
    return f"{RESOURCE}/?EIO=4&transport=polling&sid={sid}"


def address_of_the_refused(caplog: pytest.LogCaptureFixture) -> str:
    """The address in the log line of a POST."""
    (line,) = [each for each in caplog.messages if "Refused POST" in each]
    caplog.clear()
    address: str = line.partition(" of ")[2].partition(": ")[0]
    return address


@pytest.mark.parametrize("far", [False, True], ids=["here", "machine"])
@pytest.mark.parametrize("version", HEADERS)
def test_the_proxy_protocol_tells_who_the_client_is(
    serve: Serve, version: str, far: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not asked for once more where the connection goes."""
    caplog.set_level(logging.INFO, "tgext.socketio")
    one, other = both(serve, far, proxy_protocol=True)
    raws = one.raw(), other.raw()
    for raw in raws:
        for each in HEADERS[version]:
            raw.send_raw(bytes([each]))
    target = open_session(raws[0])
    # The client is no trusted proxy.
    forged = f"X-Forwarded-For: {FORGED}"
    assert ask(raws[1], "POST", target, forged, size=1).status == 400
    assert address_of_the_refused(caplog) == CLIENT
    assert one.server.sockets == other.server.sockets == {}


@pytest.mark.parametrize("far", [False, True], ids=["here", "machine"])
@pytest.mark.parametrize(
    ("trusted", "address"), [("127.0.0.1", CLIENT), ("127.0.0.8", "127.0.0.1")]
)
def test_only_trusted_proxies_are_believed(
    serve: Serve,
    far: bool,
    trusted: str,
    address: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    one, other = both(serve, far, trusted_proxies=[trusted])
    target = open_session(one.raw())
    told = f"X-Forwarded-For: {FORGED}, {CLIENT}"
    assert ask(other.raw(), "POST", target, told, size=1).status == 400
    assert address_of_the_refused(caplog) == address
