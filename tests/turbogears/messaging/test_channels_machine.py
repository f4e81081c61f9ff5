"""Channels, compared with a model: only subscribers get messages, and in order."""

from __future__ import annotations

from typing import Any

from anypubsub.backends.memory import MemoryPubSub
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.engine.clients import wait_for
from tests.wire.strategies import machine_settings
from tgext.socketio.messaging.channels import Channels, Listener

from .listeners import listener, packets

NAMES = ("news", "sports", "a b")
ENDPOINTS = ("/chat", "/named")


def expect(got: list[Any], expected: list[Any]) -> None:
    """Everything has arrived, in order."""
    wait_for(lambda: len(got) >= len(expected), "it is heard")
    assert sorted(got, key=by_message) == sorted(expected, key=by_message)


def by_message(packet: Any) -> Any:
    endpoint, _, args = packet
    return args[0], endpoint


class Subscriptions(RuleBasedStateMachine):
    """Three clients in two namespaces each; in one, events name the channel."""

    def __init__(self) -> None:
        super().__init__()
        self.backend = MemoryPubSub()
        self.channels = Channels(self.backend)
        self.sockets = [listener().socket for _ in range(3)]
        #: The present subscriptions to channels, and their namespace objects.
        self.hearing: dict[tuple[str, int, str], object] = {}
        #: How often a client has left a namespace and connected again.
        self.lives: dict[tuple[int, str], int] = {}
        self.expected: list[list[Any]] = [[], [], []]
        self.published = 0

    def ear(self, who: int, endpoint: str, life: int | None = None) -> Listener:
        owner = self.lives.get((who, endpoint), 0) if life is None else life
        return Listener(self.sockets[who], endpoint, endpoint == "/named", owner)

    names = st.sampled_from(NAMES)
    people = st.integers(0, 2)
    endpoints = st.sampled_from(ENDPOINTS)

    @rule(name=names, who=people, endpoint=endpoints)
    def subscribe(self, name: str, who: int, endpoint: str) -> None:
        ear = self.ear(who, endpoint)
        self.channels.subscribe(name, ear)
        self.hearing[name, who, endpoint] = ear.owner

    @rule(name=names, who=people, endpoint=endpoints)
    def unsubscribe(self, name: str, who: int, endpoint: str) -> None:
        self.channels.unsubscribe(name, self.ear(who, endpoint))
        self.forget(name, who, endpoint, self.lives.get((who, endpoint), 0))

    def forget(self, name: str, who: int, endpoint: str, owner: int) -> None:
        if self.hearing.get((name, who, endpoint)) == owner:
            del self.hearing[name, who, endpoint]

    @rule(who=people, endpoint=endpoints)
    def come_back(self, who: int, endpoint: str) -> None:
        """The client connects again, before its old subscriptions have ended."""
        self.lives[who, endpoint] = self.lives.get((who, endpoint), 0) + 1

    @precondition(lambda self: self.lives)
    @rule(name=names, data=st.data())
    def an_earlier_life_leaves(self, name: str, data: st.DataObject) -> None:
        """An earlier connection ends only its own subscriptions."""
        who, endpoint = data.draw(st.sampled_from(sorted(self.lives)))
        life = data.draw(st.integers(0, self.lives[who, endpoint] - 1))
        self.channels.unsubscribe(name, self.ear(who, endpoint, life))
        self.forget(name, who, endpoint, life)

    @rule(name=names)
    def publish(self, name: str) -> None:
        self.published += 1
        self.channels.publish(name, self.published)
        for (channel, who, endpoint), _ in self.hearing.items():
            if channel == name:
                args: list[Any] = [self.published]
                if endpoint == "/named":
                    args.append(name)
                self.expected[who].append((endpoint, "pubblication", args))
        self.all_is_heard()

    def all_is_heard(self) -> None:
        for socket, expected in zip(self.sockets, self.expected, strict=True):
            got = packets(Listener(socket, "", False))
            expect(got, expected)
            assert [each[2][0] for each in got] == [each[2][0] for each in expected]

    @invariant()
    def a_channel_is_open_while_somebody_hears_it(self) -> None:
        heard = {name for name, *_ in self.hearing}
        assert len(self.channels) == len(heard)
        assert set(self.backend.subscribers) == heard
        assert all(len(each) == 1 for each in self.backend.subscribers.values())

    def teardown(self) -> None:
        self.all_is_heard()
        for (name, who, endpoint), owner in list(self.hearing.items()):
            self.channels.unsubscribe(name, self.ear(who, endpoint, int(str(owner))))
        assert len(self.channels) == 0
        assert not self.backend.subscribers


TestSubscriptions = Subscriptions.TestCase
TestSubscriptions.settings = machine_settings(60, 30)
