"""Which pages may connect."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.engine import socketio_manage
from tgext.socketio.engine.http.cors import MAX_CHARACTERS, MAX_NAMES
from tgext.socketio.engine.http.origins import is_same_origin

from ...wire.strategies import MANY
from ..clients import Http
from ..conftest import Live, Serve
from ..sample_namespaces import Echo

HANDSHAKE = "/socket.io/?EIO=4&transport=polling"
LISTED = "https://listed.example"
CREDENTIALS = "Access-Control-Allow-Credentials"
ORIGIN = "Access-Control-Allow-Origin"


def accepting(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """An application that accepts every connection."""
    if "socketio" in environ:
        socketio_manage(environ, {"/echo": Echo})
    elif environ.get("wsgi.websocket") is not None:
        environ["wsgi.websocket"].accept()
        return []
    start_response("200 OK", [("Content-Type", "text/plain")])
    return []


def end(live: Live) -> None:
    """End the sessions whose clients send no further request."""
    for socket in list(live.server.sockets.values()):
        socket.kill()


@pytest.mark.cites("Engine.IO 3, XHR 1")
@pytest.mark.parametrize(
    "origin", ["http://elsewhere", "null", "::", "http://[", "http://[::1"]
)
def test_a_foreign_origin_is_refused(serve: Serve, origin: str) -> None:
    reply = serve().http().get(HANDSHAKE, {"Origin": origin})
    assert reply.status == 403
    assert reply.json == {"code": 4, "message": "Forbidden"}
    assert reply.headers[ORIGIN] is None


def test_no_origin_is_that_of_a_server_without_a_name(serve: Serve) -> None:
    raw = serve().raw()
    raw.send_raw(f"GET {HANDSHAKE} HTTP/1.0\r\nOrigin: null\r\n\r\n".encode())
    assert raw.receive_reply().status == 403


@pytest.mark.parametrize(
    "target",
    [
        HANDSHAKE,
        "/socket.io/1/",
        "/socket.io/1/xhr-polling/abc",
        "/socket.io/1//abc",
        "/socket.io/?EIO=4&transport=polling&sid=abc",
        "/socket.io/?EIO=3&transport=polling",
    ],
)
def test_a_foreign_origin_is_refused_before_all_else(serve: Serve, target: str) -> None:
    http = serve(allowed_origins=[LISTED]).http()
    for method in ("GET", "POST", "OPTIONS"):
        reply = http.request(method, target, headers={"Origin": "http://elsewhere"})
        assert reply.status == 403
        assert reply.headers[ORIGIN] is None


def test_a_foreign_page_opens_no_websocket(serve: Serve) -> None:
    live = serve(allowed_origins=[LISTED])
    foreign = {"Origin": "http://elsewhere"}
    session = live.polling_5()
    for target in (
        HANDSHAKE.replace("polling", "websocket"),
        session.target.replace("polling", "websocket"),
    ):
        websocket = live.websocket(target, headers=foreign)
        assert websocket.refusal().status == 403
    assert list(live.server.sockets) == [session.sid]


@pytest.mark.cites("Engine.IO 3, XHR 1")
@pytest.mark.parametrize(
    ("allowed", "origin", "answer", "credentials"),
    [
        ([], "http://HOST", None, None),
        # A proxy in front may speak TLS.
        ([], "https://HOST", None, None),
        ([LISTED], None, None, None),
        ([LISTED], LISTED, LISTED, "true"),
        ([LISTED + "/"], LISTED, LISTED, "true"),
        (["HTTPS://Listed.Example"], LISTED, LISTED, "true"),
        ([LISTED], "http://HOST", None, None),
        # Clients before 3.x always send credentials; browsers then do not accept `*`.
        (["*"], "http://elsewhere", "http://elsewhere", "true"),
        (["*"], "null", "null", "true"),
        (["null"], "null", "null", "true"),
        (["https://*.example"], LISTED, LISTED, "true"),
        (["*", LISTED], LISTED, LISTED, "true"),
    ],
)
def test_a_page_that_may_connect_is_told_so(
    serve: Serve,
    allowed: list[str],
    origin: str | None,
    answer: str | None,
    credentials: str | None,
) -> None:
    live = serve({}, allowed_origins=allowed)
    headers = {}
    if origin is not None:
        headers["Origin"] = origin.replace("HOST", f"127.0.0.1:{live.port}")
    reply = live.http().get(HANDSHAKE, headers)
    assert reply.status == 200
    assert reply.headers[ORIGIN] == answer
    assert reply.headers[CREDENTIALS] == credentials
    # An answer that depends on the origin must not be cached for other origins.
    assert reply.headers["Vary"] == ("Origin" if credentials else None)
    assert live.websocket_5(headers=headers).websocket.status == 101
    end(live)


def test_an_error_can_be_read_by_a_page_that_may_connect(serve: Serve) -> None:
    target = "/socket.io/?EIO=4&transport=polling&sid=abc"
    reply = serve(allowed_origins=[LISTED]).http().get(target, {"Origin": LISTED})
    assert reply.status == 400
    assert reply.headers[ORIGIN] == LISTED


def test_a_preflight_request_opens_nothing(serve: Serve) -> None:
    live = serve({}, allowed_origins=[LISTED])
    reply = live.http().request("OPTIONS", HANDSHAKE, headers={"Origin": LISTED})
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers[ORIGIN] == LISTED
    assert reply.headers[CREDENTIALS] == "true"
    assert reply.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    assert reply.headers["Access-Control-Allow-Headers"] == "Content-Type"
    assert live.server.sockets == {}


LONG = ", ".join(f"x-{number}" for number in range(MAX_NAMES))


@pytest.mark.parametrize("allowed", [[LISTED], ["*"], ["https://*.example"]])
@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (None, "Content-Type"),
        ("", "Content-Type"),
        ("content-type", "Content-Type"),
        ("x-token", "Content-Type, x-token"),
        ("Content-Type, X-Token,authorization", "Content-Type, X-Token, authorization"),
        (" x-a ,, x-b ", "Content-Type, x-a, x-b"),
        (LONG, f"Content-Type, {LONG}"),
        # The answer does not list them, so the browser refuses.
        (f"{LONG}, x-more", "Content-Type"),
        ("x-" + "a" * MAX_CHARACTERS, "Content-Type"),
        ("x-a; x-b", "Content-Type"),
        ("x a", "Content-Type"),
        ("*", "Content-Type, *"),
    ],
)
def test_a_page_that_may_connect_may_send_what_headers_it_likes(
    serve: Serve, allowed: list[str], asked: str | None, answer: str
) -> None:
    headers = {"Origin": LISTED, "Access-Control-Request-Method": "POST"}
    if asked is not None:
        headers["Access-Control-Request-Headers"] = asked
    reply = (
        serve({}, allowed_origins=allowed)
        .http()
        .request("OPTIONS", HANDSHAKE, headers=headers)
    )
    assert reply.status == 204
    assert reply.headers["Access-Control-Allow-Headers"] == answer
    # A browser refuses an answer that has one of these twice.
    assert reply.headers.get_all(ORIGIN) == [LISTED]
    assert reply.headers.get_all(CREDENTIALS) == ["true"]
    assert sorted(reply.headers.get_all("Vary", [])) == [
        "Access-Control-Request-Headers",
        "Origin",
    ]


def test_a_preflight_request_of_a_page_that_may_not_connect_is_told_nothing(
    serve: Serve,
) -> None:
    headers = {"Origin": "http://elsewhere", "Access-Control-Request-Headers": "x-a"}
    http = serve({}, allowed_origins=[LISTED]).http()
    for target in (HANDSHAKE, "/socket.io/1/", "/socket.io/1/xhr-polling/abc"):
        reply = http.request("OPTIONS", target, headers=headers)
        assert reply.status == 403
        told = [each for each in reply.headers if each.lower().startswith("access-")]
        assert told == []


# Our own pages, however they and proxies spell their host

#: Origin, Host, and whether the page is the server's own, which speaks no TLS.
PAIRS = [
    ("https://x", "x", True),
    ("https://x", "x:443", True),
    ("https://x:443", "x", True),
    ("https://x", "X.", True),
    ("http://x", "x:80", True),
    ("http://x:80", "x", True),
    ("http://x:8080", "x:8080", True),
    ("wss://x", "x", True),
    ("wss://x", "x:443", True),
    ("ws://x:8080", "x:8080", True),
    ("http://[::1]:8080", "[::1]:8080", True),
    ("http://[0:0:0::1]", "[::1]", True),
    # npm's socket.io-client 0.9 with its own `ws`, 0.4.
    ("x:8080", "x:8080", True),
    ("X", "x", True),
    ("https://x", "x:80", False),
    ("http://x", "x:443", False),
    ("https://x", "x:8443", False),
    ("http://x:8080", "x", False),
    ("http://x", "x:8080", False),
    ("x:8080", "x:8081", False),
    ("x", "y", False),
    ("http://x", "y", False),
    ("http://x.evil.com", "x", False),
    ("http://evil-x", "x", False),
    ("http://u@x", "x", False),
    ("http://x/path", "x", False),
    ("capacitor://x", "x", False),
    ("file://", "x", False),
    ("null", "x", False),
    ("null", "null", False),
    ("http://null", "x", False),
]


@pytest.mark.parametrize(("origin", "host", "own"), PAIRS)
def test_a_page_of_the_host_that_is_asked_is_our_own(
    serve: Serve, origin: str, host: str, own: bool
) -> None:
    live = serve({}, application=accepting)
    headers = {"Origin": origin, "Host": host}
    assert (live.http().get(HANDSHAKE, headers).status == 200) is own
    for target in (HANDSHAKE.replace("polling", "websocket"), "/plain"):
        websocket = live.websocket(target, headers={**headers})
        assert (websocket.status == 101) is own
        websocket.close()
    end(live)


def test_over_tls_a_page_without_it_is_not_our_own() -> None:
    for origin, own in [
        ("https://x", True),
        ("wss://x:443", True),
        # Starscream, the WebSocket of Swift's client.
        ("wss://x", True),
        ("http://x", False),
        ("http://x:443", False),
        ("ws://x", False),
        ("wss://x:80", False),
    ]:
        for host in ("x", "x:443", "X:443", "x.:443"):
            environ = {"HTTP_HOST": host, "wsgi.url_scheme": "https"}
            assert is_same_origin(origin, environ) is own


#: Spellings of a host, and of one port with each scheme that it is the default of.
HOSTS = [
    ("x", "X", "x."),
    ("a.example", "A.Example", "a.example."),
    ("[::1]", "[0:0::1]"),
    ("127.0.0.1",),
]
PORTS = [(80, "http", "ws"), (443, "https", "wss"), (8080,), (8443,)]


@st.composite
def spelled(draw: st.DrawFn, scheme: str = "") -> tuple[str, str, int]:
    """A host and a port as a client or a proxy spells them, and what they are."""
    names = draw(st.sampled_from(HOSTS))
    port, *schemes = draw(st.sampled_from(PORTS))
    digits = f":{port}"
    if scheme in schemes:
        digits = draw(st.sampled_from([digits, "", ":"]))
    return draw(st.sampled_from(names)) + digits, names[0], int(port)


@MANY
@given(st.sampled_from(["http", "https", "ws", "wss"]), st.booleans(), st.data())
def test_a_page_is_our_own_however_it_and_its_host_are_spelled(
    scheme: str, encrypted: bool, data: st.DataObject
) -> None:
    """The scheme of the page decides which port a Host without one means."""
    authority, *page = data.draw(spelled(scheme))
    host, *server = data.draw(spelled(scheme))
    environ = {
        "HTTP_HOST": host,
        "wsgi.url_scheme": "https" if encrypted else "http",
    }
    own = page == server and (not encrypted or scheme in ("https", "wss"))
    assert is_same_origin(f"{scheme}://{authority}", environ) is own


@pytest.mark.parametrize(
    ("allowed", "origin", "cookie"),
    [
        (["file://"], "file://", "user=ada"),
        (["null"], "null", None),
        (["https://*.example"], LISTED, "user=ada"),
        (["capacitor://localhost"], "capacitor://localhost", "user=ada"),
    ],
)
def test_what_else_can_be_listed(
    serve: Serve, allowed: list[str], origin: str, cookie: str | None
) -> None:
    """Any page can get the origin ``null`` in a sandbox: it connects anonymously."""
    seen: Seen = []
    live = serve(application=witness(seen), allowed_origins=allowed)
    headers = {**COOKIE, "Origin": origin}
    assert live.http().get(HANDSHAKE, headers).status == 200
    client = live.websocket_5(headers=headers)
    client.join("/echo")
    assert seen == [cookie, cookie]
    end(live)


# What the log says


@pytest.mark.parametrize(
    ("origin", "shown", "advice"),
    [
        ("http://elsewhere", "http://elsewhere", "list its origin in allowed_origins"),
        ("null", "null", "null in allowed_origins allows all such pages"),
        ("http://a\tb", "http://a\\tb", "pass on the Host"),
        ("http://" + "a" * 5000, "http://" + "a" * 73 + "...", "pass on the Host"),
    ],
)
def test_a_refused_page_leaves_one_line(
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    origin: str,
    shown: str,
    advice: str,
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio.refusals")
    live = serve({}, application=accepting)
    headers = {"Origin": origin, "Host": "www.example.org:81"}
    assert live.http().get(HANDSHAKE, headers).status == 403
    assert live.websocket("/plain", headers={**headers}).status == 403
    lines = [
        each.getMessage()
        for each in caplog.records
        if each.name == "tgext.socketio.refusals"
    ]
    start = f"Refused a page of origin {shown} (Host: www.example.org:81): "
    assert [each.startswith(start) for each in lines] == [True, True]
    assert all(advice in each for each in lines)


def test_a_request_without_a_host_is_shown_as_one(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio.refusals")
    raw = serve({}).raw()
    raw.send_raw(f"GET {HANDSHAKE} HTTP/1.0\r\nOrigin: http://x\r\n\r\n".encode())
    assert raw.receive_reply().status == 403
    (line,) = caplog.messages
    assert line.startswith("Refused a page of origin http://x (no Host): list its")


def test_a_browser_s_word_counts_more_than_its_host_header(serve: Serve) -> None:
    """Behind a proxy with another Host, or where a policy hides the origin."""
    for origin in ("https://www.example.org", "null"):
        headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
        live = serve({})
        assert live.http().get(HANDSHAKE, headers).status == 200
        end(live)


# Scripts and frames, which browsers ask for without an Origin

#: Where a session is opened and read by scripts.
SCRIPTS = [
    "/socket.io/1/?jsonp=0",
    "/socket.io/1/jsonp-polling/abc?i=0",
    "/socket.io/?EIO=3&transport=polling&j=0",
    "/socket.io/?EIO=3&transport=polling&j=0&sid=abc",
    "/socket.io/?EIO=4&transport=polling&j=0",
]
FRAME = "/socket.io/1/htmlfile/abc"

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}
COOKIE = {"Cookie": "user=ada"}
OWN = {"Referer": "http://HOST/page?x=1"}
FOREIGN = {"Referer": "http://elsewhere/"}
FROM_LISTED = {"Referer": LISTED + "/some/page"}


def site(value: str) -> dict[str, str]:
    return {"Sec-Fetch-Site": value}


#: The headers of a request, and whether a script and a frame are answered then.
LOADS: list[tuple[dict[str, str], bool, bool]] = [
    # Browsers without Fetch Metadata, or pages without TLS.
    ({**BROWSER, **COOKIE, **OWN}, True, True),
    ({**BROWSER, **COOKIE, **FROM_LISTED}, True, True),
    ({**BROWSER, **COOKIE, **FOREIGN}, False, False),
    ({**FOREIGN}, False, False),
    ({"Referer": "http://[::"}, False, False),
    ({"Referer": "http://HOST.elsewhere/"}, False, False),
    ({"Referer": "http://elsewhere/http://HOST/"}, False, False),
    ({"Referer": "http://HOST@elsewhere/"}, False, False),
    # Neither Referer nor Origin: pages cannot read frames of other origins, but
    # scripts.
    ({**BROWSER}, False, True),
    ({"User-Agent": "Opera/9.80"}, False, True),
    # Browsers with Fetch Metadata.
    ({**BROWSER, **COOKIE, **site("same-origin")}, True, True),
    ({**BROWSER, **COOKIE, **site("none")}, True, True),
    ({**BROWSER, **OWN, **site("same-origin")}, True, True),
    ({**BROWSER, **site("cross-site")}, False, False),
    ({**BROWSER, **site("same-site")}, False, False),
    ({**BROWSER, **site("cross-site"), **FOREIGN}, False, False),
    ({**BROWSER, **site("cross-site"), **FROM_LISTED}, True, True),
    # A sandboxed page of this server.
    ({**BROWSER, **site("cross-site"), **OWN}, False, False),
    # An Origin decides, as for all requests.
    ({**BROWSER, "Origin": "null", **OWN}, False, False),
    ({**BROWSER, "Origin": LISTED}, True, True),
    # Not a browser, unless there are credentials: these could be a user's.
    ({}, True, True),
    ({"User-Agent": "python-requests/2.0"}, True, True),
    (COOKIE, False, True),
    ({"Authorization": "Basic YTpi"}, False, True),
]


def here(live: Live, headers: dict[str, str]) -> dict[str, str]:
    host = f"127.0.0.1:{live.port}"
    return {name: value.replace("HOST", host) for name, value in headers.items()}


def answered(http: Http, target: str, headers: dict[str, str]) -> bool:
    """Whether a request passed the check of its origin."""
    reply = http.get(target, headers)
    if reply.status == 403:
        assert reply.json == {"code": 4, "message": "Forbidden"}
    return reply.status != 403


@pytest.mark.parametrize(("headers", "script", "frame"), LOADS)
def test_a_page_of_another_server_loads_no_session(
    serve: Serve, headers: dict[str, str], script: bool, frame: bool
) -> None:
    live = serve({}, allowed_origins=[LISTED])
    http = live.http()
    headers = here(live, headers)
    for target in SCRIPTS:
        assert answered(http, target, headers) is script, target
    assert answered(http, FRAME, headers) is frame
    if "Origin" not in headers:
        # Some proxies remove the Origin of pages.
        assert answered(http, HANDSHAKE, headers)
    end(live)


@pytest.mark.parametrize("mode", ["no-cors", "navigate"])
@pytest.mark.parametrize(
    ("headers", "may"),
    [
        ({**site("cross-site"), **FOREIGN}, False),
        ({**site("same-site"), **FOREIGN}, False),
        ({**site("cross-site")}, False),
        ({**site("cross-site"), **OWN}, False),
        ({**site("cross-site"), **FROM_LISTED}, True),
        ({**site("same-origin"), **OWN}, True),
        ({**site("none")}, True),
    ],
)
def test_an_image_or_a_link_opens_no_session_of_its_user(
    serve: Serve, mode: str, headers: dict[str, str], may: bool
) -> None:
    """Such a page cannot read the answer, yet the user would be connected."""
    live = serve({}, allowed_origins=[LISTED])
    asked = here(live, {**BROWSER, **COOKIE, "Sec-Fetch-Mode": mode, **headers})
    for target in (HANDSHAKE, HANDSHAKE.replace("4", "3"), "/socket.io/1/"):
        assert answered(live.http(), target, asked) is may, target
    assert bool(live.server.sockets) is may
    end(live)


def test_by_default_only_the_server_s_own_pages_load_a_session(serve: Serve) -> None:
    live = serve({})
    for headers, expected in [(OWN, True), (FROM_LISTED, False), (FOREIGN, False)]:
        for target in SCRIPTS:
            asked = here(live, {**BROWSER, **COOKIE, **headers})
            assert answered(live.http(), target, asked) is expected
    end(live)


# Anybody's pages

Seen = list["str | None"]


def witness(seen: Seen) -> Callable[..., Any]:
    """An application that records the user of each new connection."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ.get("HTTP_COOKIE") or environ.get("HTTP_AUTHORIZATION"))
        socketio_manage(environ, {"/echo": Echo})
        start_response("200 OK", [("Set-Cookie", "session=new")])
        return []

    return application


@pytest.mark.parametrize(
    ("headers", "cookie"),
    [
        ({}, "user=ada"),
        ({"Origin": "http://HOST"}, "user=ada"),
        ({"Origin": LISTED}, "user=ada"),
        ({"Origin": "http://elsewhere"}, None),
        ({"Origin": "null"}, None),
        ({"Origin": "http://elsewhere", "Authorization": "Basic YTpi"}, None),
    ],
)
def test_any_page_may_connect_but_not_in_its_user_s_name(
    serve: Serve, headers: dict[str, str], cookie: str | None
) -> None:
    seen: Seen = []
    live = serve(
        application=witness(seen),
        allowed_origins=["*", LISTED],
        cookie="sid",
    )
    headers = here(live, {**COOKIE, **headers})
    reply = live.http().get(HANDSHAKE, headers)
    assert reply.status == 200
    # A page of another origin must not replace the user's cookies.
    given = [each.partition("=")[0] for each in reply.headers.get_all("Set-Cookie", [])]
    assert given == (["session", "sid"] if cookie else [])
    client = live.websocket_5(headers=headers)
    client.join("/echo")
    assert client.call("/echo", "echo", 1) == [1]
    assert seen == [cookie, cookie]
    end(live)


@pytest.mark.parametrize(
    ("headers", "cookie"),
    [
        (OWN, "user=ada"),
        (FROM_LISTED, "user=ada"),
        (site("same-origin"), "user=ada"),
        (FOREIGN, None),
        (site("cross-site"), None),
        ({}, None),
    ],
)
def test_any_page_may_load_a_session_but_not_its_user_s(
    serve: Serve, headers: dict[str, str], cookie: str | None
) -> None:
    seen: Seen = []
    live = serve(
        application=witness(seen),
        allowed_origins=["*", LISTED],
    )
    http = live.http()
    for target in (SCRIPTS[0], SCRIPTS[2]):
        headers = here(live, {**BROWSER, **COOKIE, **headers})
        assert http.get(target, headers).status == 200
    assert seen == [cookie, cookie]
    end(live)


def test_anybody_who_is_refused_is_given_no_cookies_either(serve: Serve) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        headers = [("Set-Cookie", "session=new"), ("X-Reason", "no user")]
        start_response("401 Unauthorized", headers)
        return []

    live = serve(application=application, allowed_origins=["*"])
    reply = live.http().get(HANDSHAKE, {"Origin": "http://elsewhere"})
    assert (reply.status, reply.headers["X-Reason"]) == (401, "no user")
    assert reply.headers["Set-Cookie"] is None
