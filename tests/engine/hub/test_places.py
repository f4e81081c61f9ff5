"""How many connections there may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import Event
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from tests.wire.strategies import machine_settings
from tgext.socketio.engine.hub.places import Full, Place, Places

from ..clients import Http, Raw, WebSocket, WebSocket5, wait_for
from ..conftest import Serve, manage
from ..runners import Deciding
from ..sample_namespaces import Echo

MOST, PER_ADDRESS = 4, 2
ADDRESSES = ["192.0.2.1", "192.0.2.2", "2001:db8::1", ""]


class Counting(RuleBasedStateMachine):
    """Places, compared with a plain list of the connections."""

    places_taken = Bundle("places")

    def __init__(self) -> None:
        super().__init__()
        self.places = Places()
        self.here: list[tuple[Place, str]] = []

    @rule(target=places_taken, address=st.sampled_from(ADDRESSES), keep=st.booleans())
    def take(self, address: str, keep: bool) -> Any:
        mine = [each for each in self.here if each[1] == address]
        if len(self.here) == MOST or len(mine) == PER_ADDRESS:
            with pytest.raises(Full, match="max_connections"):
                self.places.take(address, MOST, PER_ADDRESS)
            return None
        place = self.places.take(address, MOST, PER_ADDRESS)
        self.here.append((place, address))
        if keep:
            place.keep()
        return place

    @rule(place=places_taken)
    def release(self, place: Place | None) -> None:
        if place is not None:
            place.release()
            self.here = [each for each in self.here if each[0] is not place]

    @rule(place=places_taken, fails=st.booleans())
    def leave_block(self, place: Place | None, fails: bool) -> None:
        if place is None:
            return
        try:
            with place:
                if fails:
                    raise SystemExit
        except SystemExit:
            pass
        if not place.kept:
            self.here = [each for each in self.here if each[0] is not place]

    @invariant()
    def counts_those_who_are_here(self) -> None:
        assert self.places.taken == len(self.here)
        for address in ADDRESSES:
            mine = sum(each[1] == address for each in self.here)
            assert self.places.per_address.get(address, 0) == mine
        assert all(self.places.per_address.values())


TestCounting = Counting.TestCase
TestCounting.settings = machine_settings(100, 50)


# Through a server whose application takes its time


POLLING = "/socket.io/?EIO=4&transport=polling"
HANDSHAKES = {
    "4.x": POLLING,
    "2.x": "/socket.io/?EIO=3&transport=polling",
    "0.9": "/socket.io/1/",
}


class Slow:
    """A WSGI application that answers when, and as, a test tells it."""

    def __init__(self) -> None:
        self.waiting = 0
        self.go_on = Event()
        self.answer: Callable[[Any, Any], Any] = manage({"/chat": Echo})

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/":
            start_response("200 OK", [])
            return [b"a page"]
        self.waiting += 1
        self.go_on.wait()
        return self.answer(environ, start_response)


@pytest.mark.parametrize("option", ["max_connections", "max_connections_per_address"])
@pytest.mark.parametrize("target", HANDSHAKES.values(), ids=HANDSHAKES)
def test_connections_that_are_being_opened_count(
    serve: Serve, option: str, target: str
) -> None:
    slow = Slow()
    live = serve(application=slow, **{option: 5})
    asking = [gevent.spawn(Http(live.port).get, target) for _ in range(100)]
    wait_for(lambda: sum(each.ready() for each in asking) == 95, "95 are refused")
    assert slow.waiting == 5
    assert Http(live.port).get("/").status == 200
    slow.go_on.set()
    gevent.joinall(asking)
    statuses = sorted(each.get().status for each in asking)
    assert statuses == [200] * 5 + [503] * 95
    assert len(live.server.sockets) == 5
    for socket in list(live.server.sockets.values()):
        socket.kill()


def refuse(environ: Any, start_response: Any) -> Any:
    start_response("403 Forbidden", [])
    return []


def redirect(environ: Any, start_response: Any) -> Any:
    start_response("302 Found", [("Location", "/login")])
    return []


def ignore(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])
    return []


def fail(environ: Any, start_response: Any) -> Any:
    raise RuntimeError


def leave(environ: Any, start_response: Any) -> Any:
    raise SystemExit


def fail_late(environ: Any, start_response: Any) -> Any:
    environ["socketio"].runner = Deciding()
    manage({"/chat": Echo})(environ, start_response)
    raise RuntimeError


@pytest.mark.parametrize("answer", [refuse, redirect, ignore, fail, leave, fail_late])
def test_the_place_of_a_refused_client_is_free(serve: Serve, answer: Any) -> None:
    slow = Slow()
    slow.go_on.set()
    slow.answer = answer
    live = serve(application=slow, max_connections=1)
    for target in (*HANDSHAKES.values(), *HANDSHAKES.values()):
        assert Http(live.port).get(target).status in (400, 401, 403, 500)
    assert live.websocket(POLLING.replace("polling", "websocket")).status != 101
    slow.answer = manage({"/chat": Echo})
    client = live.websocket_5()
    client.join("/chat")
    assert Http(live.port).get(POLLING).status == 503


@pytest.mark.parametrize("target", HANDSHAKES.values(), ids=HANDSHAKES)
def test_the_place_of_a_client_that_left_meanwhile_is_free(
    serve: Serve, target: str
) -> None:
    slow = Slow()
    live = serve(application=slow, max_connections=1, handshake_timeout=60)
    impatient = Raw(live.port)
    impatient.send_raw(f"GET {target} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    wait_for(lambda: slow.waiting, "the application")
    assert Http(live.port).get(POLLING).status == 503
    impatient.close()
    slow.go_on.set()
    wait_for(lambda: not live.server.hub.registry.is_full("127.0.0.1"), "the place")
    assert live.server.sockets == {}


def test_plain_websockets_and_sessions_share_the_places(serve: Serve) -> None:
    slow = Slow()

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        websocket = environ.get("wsgi.websocket")
        if websocket is None:
            return slow(environ, start_response)
        websocket.accept()
        websocket.receive()
        return []

    live = serve(application=application, max_connections=3)
    opening = [gevent.spawn(Http(live.port).get, POLLING) for _ in range(2)]
    wait_for(lambda: slow.waiting == 2, "two that are being opened")
    plain = WebSocket(live.port, "/")
    assert plain.status == 101
    refused = WebSocket(live.port, "/")
    assert refused.refusal().text == "Too many connections"
    refused.close()
    slow.go_on.set()
    assert [each.get().status for each in opening] == [200, 200]
    plain.leave()
    wait_for(lambda: not live.server.hub.registry.is_full("127.0.0.1"), "the place")
    for socket in list(live.server.sockets.values()):
        socket.kill()
    assert live.server.hub.registry.places.per_address == {}
    assert live.server.hub.registry.places.taken == 0


def test_places_of_sockets_of_a_crowd_are_given_back(serve: Serve) -> None:
    live = serve({"/chat": Echo}, max_connections=20)

    def come_and_go(number: int) -> None:
        for _ in range(5):
            client = WebSocket5(live.port)
            client.join("/chat")
            gevent.sleep(0.001 * (number % 3))
            client.close()

    crowd = [gevent.spawn(come_and_go, number) for number in range(10)]
    gevent.joinall(crowd, raise_error=True)
    wait_for(lambda: not live.server.sockets, "the end of all")
    assert live.server.hub.registry.places.taken == 0
