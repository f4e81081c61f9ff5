"""The connections of a server, without a server."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from tests.wire.strategies import machine_settings
from tgext.socketio.engine.hub.places import Full
from tgext.socketio.engine.hub.registry import NAMESPACE_TIMEOUT, Registry
from tgext.socketio.engine.hub.settings import Settings

from .timers import Timers

HANDSHAKE_TIMEOUT = 5.0
MOST, PER_ADDRESS = 4, 2
ADDRESSES = ["192.0.2.1", "192.0.2.2", "2001:db8::1"]


class Session:
    """A session that records why it was killed."""

    busy = False

    def __init__(self, sessid: str) -> None:
        self.sessid = sessid
        self.awaits_transport = False
        self.deadline: Any = None
        self.reasons: list[str] = []

    def finish(self) -> None:
        raise AssertionError("the registry ends no session by itself")

    def kill(self, *, reason: str, code: int = 1000) -> None:
        self.reasons.append(reason)


class Plain:
    """A plain WebSocket."""

    def close(self, code: int, message: str) -> None:
        raise AssertionError("the registry closes nothing by itself")

    interrupt = close


def make(**options: Any) -> tuple[Registry, Timers]:
    timers: Any = Timers()
    return Registry(Settings(**options), timers), timers


def add(registry: Registry, sessid: str = "a") -> Session:
    session = Session(sessid)
    registry.add(session, registry.reserve("192.0.2.1"))
    registry.await_transport(session)
    return session


def expire(timers: Timers, seconds: float) -> None:
    """Let time pass; sessions are killed in greenlets of their own."""
    timers.advance(seconds)
    gevent.idle()


def test_a_session_without_a_transport_is_ended() -> None:
    registry, timers = make(handshake_timeout=HANDSHAKE_TIMEOUT)
    session = add(registry)
    expire(timers, HANDSHAKE_TIMEOUT - 0.1)
    assert session.reasons == []
    expire(timers, 0.1)
    assert session.reasons == ["transport close"]


def test_a_session_with_a_transport_is_not() -> None:
    registry, timers = make(handshake_timeout=HANDSHAKE_TIMEOUT)
    session = add(registry)
    for _ in range(2):
        registry.transport_came(session)
    assert not timers
    expire(timers, 60)
    assert session.reasons == []


def test_a_session_that_is_opened_by_its_transport_awaits_no_other() -> None:
    registry, timers = make(handshake_timeout=HANDSHAKE_TIMEOUT)
    session = Session("a")
    registry.add(session, registry.reserve("192.0.2.1"))
    assert not timers
    registry.transport_came(session)
    expire(timers, HANDSHAKE_TIMEOUT)
    assert session.reasons == []


def test_a_namespace_does_not_replace_the_transport() -> None:
    registry, timers = make(handshake_timeout=HANDSHAKE_TIMEOUT)
    session = add(registry)
    registry.namespace_came(session)
    expire(timers, HANDSHAKE_TIMEOUT)
    assert session.reasons == ["transport close"]


@pytest.mark.parametrize("comes", [True, False])
def test_a_session_in_no_namespace_has_a_moment_to_enter_one(comes: bool) -> None:
    registry, timers = make()
    session = add(registry)
    registry.transport_came(session)
    registry.await_namespace(session)
    if comes:
        registry.namespace_came(session)
    expire(timers, NAMESPACE_TIMEOUT)
    assert session.reasons == ([] if comes else ["server namespace disconnect"])


def test_a_server_that_stops_is_full() -> None:
    registry, _ = make()
    assert not registry.is_full("192.0.2.1")
    registry.stopping = True
    assert registry.is_full("192.0.2.1")
    with pytest.raises(Full, match="the server stops"):
        registry.reserve("192.0.2.1")


def test_removing_again_has_no_effect() -> None:
    registry, timers = make(max_connections=1)
    session, plain = add(registry), Plain()
    assert registry.is_full("")
    for _ in range(2):
        registry.remove(session)
    assert not timers
    registry.add_websocket(plain, registry.reserve(""))
    assert registry.is_full("")
    for _ in range(2):
        registry.remove_websocket(plain)
    assert registry.places.taken == 0


class Connections(RuleBasedStateMachine):
    """The registry, compared with lists of connections and their addresses."""

    sessions = Bundle("sessions")
    websockets = Bundle("websockets")

    def __init__(self) -> None:
        super().__init__()
        self.registry, self.timers = make(
            max_connections=MOST,
            max_connections_per_address=PER_ADDRESS,
            handshake_timeout=HANDSHAKE_TIMEOUT,
        )
        self.here: dict[Any, str] = {}
        self.awaited: dict[Any, float] = {}
        self.count = 0

    def is_full(self, address: str) -> bool:
        addresses = list(self.here.values())
        return len(addresses) == MOST or addresses.count(address) == PER_ADDRESS

    def reserve(self, address: str) -> Any:
        """A place, or None if there is no free one."""
        assert self.registry.is_full(address) == self.is_full(address)
        if not self.is_full(address):
            return self.registry.reserve(address)
        with pytest.raises(Full):
            self.registry.reserve(address)
        return None

    @rule(target=sessions, address=st.sampled_from(ADDRESSES), accept=st.booleans())
    def open_session(self, address: str, accept: bool) -> Any:
        self.count += 1
        session = Session(str(self.count))
        place = self.reserve(address)
        if place is not None:
            with place:
                if accept:
                    self.registry.add(session, place)
                    self.here[session] = address
        return session

    @rule(target=websockets, address=st.sampled_from(ADDRESSES))
    def open_websocket(self, address: str) -> Any:
        websocket, place = Plain(), self.reserve(address)
        if place is not None:
            self.registry.add_websocket(websocket, place)
            self.here[websocket] = address
        return websocket

    @rule(session=sessions)
    def await_transport(self, session: Session) -> None:
        if session in self.here and not session.reasons:
            self.registry.await_transport(session)
            self.awaited[session] = self.timers.now + HANDSHAKE_TIMEOUT

    @rule(session=sessions)
    def come(self, session: Session) -> None:
        if session in self.here and not session.reasons:
            self.registry.transport_came(session)
            self.awaited.pop(session, None)

    @rule(session=sessions)
    def end_session(self, session: Session) -> None:
        self.registry.remove(session)
        self.here.pop(session, None)
        self.awaited.pop(session, None)

    @rule(websocket=websockets)
    def end_websocket(self, websocket: Plain) -> None:
        self.registry.remove_websocket(websocket)
        self.here.pop(websocket, None)

    @rule(seconds=st.floats(0, 3))
    def wait(self, seconds: float) -> None:
        expire(self.timers, seconds)
        for session, due in list(self.awaited.items()):
            assert bool(session.reasons) == (due <= self.timers.now)
            if session.reasons:
                del self.awaited[session]

    @invariant()
    def has_those_who_are_here(self) -> None:
        here = [each for each in self.here if isinstance(each, Session)]
        assert self.registry.sockets == {each.sessid: each for each in here}
        assert self.registry.websockets == set(self.here) - set(here)
        assert self.registry.places.taken == len(self.here)
        assert len(self.timers) == len(self.awaited)


TestConnections = Connections.TestCase
TestConnections.settings = machine_settings(100, 50)
