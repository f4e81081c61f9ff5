"""Which requests are for Socket.IO."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis.strategies import text

from tgext.socketio.engine.server.routes import (
    Route,
    check_paths,
    find_route,
    find_route_of,
    longest_first,
)
from tgext.socketio.wire.socketio.generations import SOCKETIO_1, SOCKETIO_4, SOCKETIO_5

from ..clients import wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo


@pytest.mark.cites(
    "Socket.IO 1, HTTP requests 1",
    "Engine.IO 3, URLs 2",
    "Engine.IO 3, URLs 4",
    "Engine.IO 4, Query parameters 3",
)
@pytest.mark.parametrize(
    ("url", "route"),
    [
        ("/live/1", Route(SOCKETIO_1)),
        ("/live/1/?t=17", Route(SOCKETIO_1)),
        ("/live/1/websocket/abc", Route(SOCKETIO_1, "websocket", "abc")),
        ("/live/1/xhr-polling/abc?t=17", Route(SOCKETIO_1, "xhr-polling", "abc")),
        ("/live/1/unheard/abc", Route(SOCKETIO_1, "unheard", "abc")),
        ("/live/1//abc", Route(SOCKETIO_1, "", "abc", disconnect=True)),
        (
            "/live/1/xhr-polling/abc?disconnect=1",
            Route(SOCKETIO_1, "xhr-polling", "abc", disconnect=True),
        ),
        (
            "/live/1/xhr-polling/abc?t=17&disconnect",
            Route(SOCKETIO_1, "xhr-polling", "abc", disconnect=True),
        ),
        (
            "/live/1/xhr-polling/abc?disconnected=1&t=disconnect",
            Route(SOCKETIO_1, "xhr-polling", "abc"),
        ),
        # Python's socketIO-client.
        (
            "/live/1/jsonp-polling/abc?t=17&i=2&disconnect=True",
            Route(SOCKETIO_1, "jsonp-polling", "abc", disconnect=True, jsonp="2"),
        ),
        ("/live/?EIO=4&transport=polling", Route(SOCKETIO_5, "polling")),
        ("/live?transport=websocket&EIO=4", Route(SOCKETIO_5, "websocket")),
        (
            "/live/?EIO=4&transport=polling&t=x&sid=a-b_c",
            Route(SOCKETIO_5, "polling", "a-b_c"),
        ),
        # The first 1.0 clients say 2.
        ("/live/?EIO=2&transport=polling", Route(SOCKETIO_4, "polling")),
        ("/live/?EIO=3&transport=websocket", Route(SOCKETIO_4, "websocket")),
        (
            "/live/?EIO=3&transport=polling&b64=1&sid=a-b_c",
            Route(SOCKETIO_4, "polling", "a-b_c", base64=True),
        ),
        (
            "/live/?EIO=3&transport=polling&j=7",
            Route(SOCKETIO_4, "polling", jsonp="7"),
        ),
        ("/live/1/?jsonp=3", Route(SOCKETIO_1, jsonp="3")),
        (
            "/live/1/jsonp-polling/abc?t=17&i=2",
            Route(SOCKETIO_1, "jsonp-polling", "abc", jsonp="2"),
        ),
        (
            "/live/1/jsonp-polling/abc",
            Route(SOCKETIO_1, "jsonp-polling", "abc", jsonp="0"),
        ),
        ("/live/?EIO=4", Route(SOCKETIO_5)),
        ("/live/?EIO=5&transport=polling", Route(None, "polling")),
        ("/live/?EIO=1&transport=polling", Route(None, "polling")),
        # All paths that begin with the resource, as in the reference server.
        ("/live//?EIO=4&transport=polling", Route(SOCKETIO_5, "polling")),
        ("/live///?EIO=4&transport=polling", Route(SOCKETIO_5, "polling")),
        ("/live/v2/?EIO=4&transport=polling", Route(SOCKETIO_5, "polling")),
        ("/live/1/page?EIO=3&transport=polling", Route(SOCKETIO_4, "polling")),
        ("/live//1/?EIO=3&transport=polling", Route(SOCKETIO_4, "polling")),
        ("/live/1//?t=17", Route(SOCKETIO_1)),
        # The first clients with WebSockets alone send no `EIO`.
        ("/live/?transport=websocket", Route(SOCKETIO_4, "websocket")),
        ("/live?transport=websocket&sid=a", Route(SOCKETIO_4, "websocket", "a")),
    ],
)
def test_a_request_of_socketio_is_read(url: str, route: Route) -> None:
    path, _, query = url.partition("?")
    assert find_route("live", path, query) == route


@given(text("EIO=4&transpor%;+ é", max_size=40))
def test_a_query_is_read_as_the_standard_library_reads_it(rest: str) -> None:
    query = f"EIO=4&transport=polling&sid={rest}"
    route = find_route("socketio", "/socketio/", query)
    values = parse_qs(query)
    assert route is not None
    assert route.sid == values.get("sid", [""])[0]
    assert route.transport == values["transport"][0]
    assert route.base64 == ("b64" in values)


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "/other/?EIO=4",
        "/live",
        "/live/",
        "/live/?transport=polling",
        "/live/?EIO=",
        "/live/?xEIO=4",
        "/live/page?EIO=4",
        "/live/page?transport=polling",
        "/live/page?transport=websocket",
        "/live/page?xEIO=4&transport=polling",
        "/lively?EIO=4&transport=polling",
        "/live.js?EIO=4&transport=polling",
        "//live/?EIO=4&transport=polling",
        "/Live/?EIO=4&transport=polling",
        "/live/?xtransport=websocket",
        "/lively/?EIO=4",
        "/live/11",
        "/live/1/page",
        "/live/1/a/page/deeper",
        "/live/socket.io.js",
    ],
)
def test_all_else_is_the_applications(url: str) -> None:
    path, _, query = url.partition("?")
    assert find_route("live", path, query) is None


def test_the_applications_pages_stand_beside_and_below_the_resource(
    serve: Serve,
) -> None:
    http = serve().http()
    for url in ("/", "/socket.io/", "/socket.io/1/page", "/socket.io/?q=EIO"):
        assert http.get(url).text == "a page"


@pytest.mark.parametrize(
    "path",
    ["/socket.io//?EIO=4&", "/socket.io/v2/x?EIO=4&", "/socket.io/?", "/socket.io?"],
)
def test_a_client_connects_however_it_spells_the_path(serve: Serve, path: str) -> None:
    live = serve({"/chat": Echo})
    websocket = live.websocket(f"{path}transport=websocket")
    assert websocket.receive().startswith("0{")
    if "EIO" not in path:
        assert websocket.receive() == "40"
    websocket.send("40/chat,")
    assert websocket.receive().startswith("40/chat")
    websocket.send('42/chat,1["echo",2]')
    assert websocket.receive() == "43/chat,1[2]"
    websocket.leave()


@pytest.mark.cites(
    "Engine.IO 3, URLs 1", "Engine.IO 4, Request path 1", "Socket.IO 1, Namespace 1"
)
@pytest.mark.parametrize("resource", ["live", "/live/", "deep/er/live"])
def test_the_resource_is_where_the_server_is_told(serve: Serve, resource: str) -> None:
    live = serve({}, resource=resource)
    base = "/" + resource.strip("/")
    http = live.http()
    assert http.get(f"{base}/?EIO=4&transport=polling").text.startswith("0{")
    sid = http.get(f"{base}/1/").text.partition(":")[0]
    assert sid in live.server.sockets
    assert http.get("/socket.io/?EIO=4&transport=polling").text == "a page"
    for socket in list(live.server.sockets.values()):
        socket.kill()


RESOURCES = ["live", "live/inner", "/other/"]


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/live/", "live"),
        ("/live/inner/", "live/inner"),
        ("/live/inner", "live/inner"),
        ("/live/outer/", "live"),
        ("/other/", "other"),
        ("/other/1/", "other"),
        ("/live/inner/1/", "live/inner"),
    ],
)
def test_a_request_is_for_the_longest_of_several_resources(
    path: str, resource: str
) -> None:
    paths = longest_first(check_paths(RESOURCES))
    route = find_route_of(paths, path, "EIO=4&transport=polling")
    assert route is not None
    assert route.resource == resource
    assert find_route_of(paths, "/nowhere/", "EIO=4&transport=polling") is None


def test_a_server_has_at_least_one_resource() -> None:
    with pytest.raises(ValueError, match="resource: it is empty"):
        check_paths([])


def test_a_server_may_have_several_resources(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        start_response("404 Not Found", [])
        return [b""]

    caplog.set_level(logging.INFO, "tgext.socketio")
    live = serve(application=application, resource=RESOURCES)
    assert live.server.resource == "live"
    for path in ("/live/inner", "/other"):
        asked.clear()
        http = live.http()
        assert http.get(f"{path}/?EIO=4&transport=polling").status == 404
        first, second = asked
        assert first == f"{path}/"
        # Where gevent-socketio has its transports.
        assert second.startswith(f"{path}/1/xhr-polling/")
        wait_for(lambda: bool(caplog.messages), "it is logged")
        assert f"Refused GET {path}/ of 127.0.0.1: 404," in caplog.messages[0]
        caplog.clear()


@pytest.mark.parametrize("resource", RESOURCES)
def test_no_log_line_shows_a_session_id_below_any_resource(
    serve: Serve, caplog: pytest.LogCaptureFixture, resource: str
) -> None:
    caplog.set_level(logging.DEBUG, "tgext.socketio")
    live = serve({}, resource=RESOURCES)
    raw = live.raw()
    path = f"/{resource.strip('/')}/1/websocket/secret"
    raw.send_raw(f"GET {path} HTTP/1.1\r\n: x\r\n\r\n".encode())
    assert raw.receive_head()[0] == 400
    wait_for(lambda: bool(caplog.messages), "it is logged")
    assert "secret" not in caplog.text
