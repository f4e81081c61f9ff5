"""The connection that listens to Redis: events in any order, with hypothesis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.server import StreamServer
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.engine.clients import wait_for
from tests.redis_server import RedisServer, running_redis
from tests.wire.strategies import examples, machine_settings
from tgext.socketio.backends.redis import RedisPubSub

from .test_channelnames import BAD_NAMES

NAMES = ["news", "a b", "é", "日本語", "x" * 255, "*", "\u2028"]

#: Names that Redis takes and we do not.
FOREIGN_NAMES = [
    b"\xff\xfe",
    b"news\0",
    b"\xed\xa0\x80",
    b"",
    b"tgext.socketio/cluster",
]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


class Ear:
    """A listener of one or more channels: what it received, and what it should have."""

    def __init__(self, failing: bool) -> None:
        self._failing = failing
        self.heard: list[bytes] = []
        self.due: list[bytes] = []

    def __call__(self, message: bytes) -> None:
        self.heard.append(message)
        if self._failing:
            raise RuntimeError("no")


class Listening(RuleBasedStateMachine):
    """Listeners get what is published while Redis runs, once and in order.

    The model is who listens to which name. It is compared with what Redis itself says
    that it sends, and with what was heard.
    """

    def __init__(self, server: RedisServer) -> None:
        super().__init__()
        self.server = server
        if not server.running:
            server.start()
        self.backend = RedisPubSub(
            port=server.port, socket_timeout=0.5, health_check_interval=0.3
        )
        self.ears = [Ear(failing=False), Ear(failing=True), Ear(failing=False)]
        self.listening: dict[str, list[Ear]] = {}
        self.number = 0

    @rule(name=st.sampled_from(NAMES), who=st.integers(0, 2))
    def listen(self, name: str, who: int) -> None:
        ear = self.ears[who]
        if ear in self.listening.get(name, ()):
            return
        self.backend.listen(name, ear)
        self.listening.setdefault(name, []).append(ear)

    @rule(name=st.sampled_from(NAMES), who=st.integers(0, 2))
    def unlisten(self, name: str, who: int) -> None:
        ear = self.ears[who]
        self.backend.unlisten(name, ear)
        ears = self.listening.get(name, [])
        if ear in ears:
            ears.remove(ear)
        if not ears:
            self.listening.pop(name, None)

    @rule(name=st.sampled_from(sorted(BAD_NAMES)), who=st.integers(0, 2))
    def listen_to_what_is_no_name(self, name: str, who: int) -> None:
        with pytest.raises(ValueError, match="invalid channel name"):
            self.backend.listen(str.__str__(BAD_NAMES[name]), self.ears[who])

    @rule(name=st.text(st.characters(), max_size=4))
    def a_name_that_nobody_checked(self, name: str) -> None:
        """The code below the check handles it too."""
        link = self.backend.listener.link
        if link is not None and name not in self.listening:
            link.send(("SUBSCRIBE", name), ("UNSUBSCRIBE", name))

    @precondition(lambda self: self.server.running)
    @rule()
    def lose_the_connection(self) -> None:
        self.server.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    @precondition(lambda self: self.server.running)
    @rule()
    def end_redis(self) -> None:
        self.server.kill()

    @precondition(lambda self: not self.server.running)
    @rule()
    def start_redis(self) -> None:
        self.server.start()

    @precondition(lambda self: self.server.running)
    @rule(name=st.sampled_from(FOREIGN_NAMES), message=st.binary(max_size=5))
    def publish_where_nobody_listens(self, name: bytes, message: bytes) -> None:
        self.server.client.publish(name, message)

    @precondition(lambda self: self.server.running and self.listening)
    @rule(data=st.data(), ours=st.booleans())
    def publish(self, data: st.DataObject, ours: bool) -> None:
        self.await_subscriptions()
        name = data.draw(st.sampled_from(sorted(self.listening)))
        self.number += 1
        message = b"%d" % self.number
        if ours:
            self.backend.publish(name, message)
        else:
            self.server.client.publish(name, message)
        for ear in self.listening[name]:
            ear.due.append(message)

    def await_subscriptions(self) -> None:
        wanted = sorted(self.listening)

        def all_there() -> bool:
            counts: Any = self.server.client.pubsub_numsub(*wanted)
            return [count for _, count in counts] == [1] * len(wanted)

        wait_for(all_there, f"{wanted} are heard")

    @invariant()
    def all_is_heard(self) -> None:
        if any(ear.heard != ear.due for ear in self.ears):
            wait_for(
                lambda: all(len(ear.heard) >= len(ear.due) for ear in self.ears),
                "what was published is heard",
            )
        for ear in self.ears:
            assert ear.heard == ear.due

    def teardown(self) -> None:
        if not self.server.running:
            self.server.start()
        if self.listening:
            self.await_subscriptions()
            channels = {each["sub"] for each in self.server.connections()}
            assert str(len(self.listening)) in channels
        self.backend.close()
        wait_for(lambda: self.server.subscribers() == [], "nothing is subscribed")


def test_who_listens_hears_whatever_happens(own: RedisServer, unhandled: Any) -> None:
    run_state_machine_as_test(
        lambda: Listening(own),  # type: ignore[arg-type, return-value]
        settings=machine_settings(20, 20),
    )
    assert unhandled == []


class Scripted:
    """A server that is not a Redis: a proxy, another protocol, a broken server.

    Its first connection says what it should not once it has been asked for a channel;
    the next is a Redis as far as a listener can tell, and sends one message.

    :param says: what the first connection sends.
    """

    def __init__(self, says: bytes) -> None:
        self.connections = 0
        self._says = says
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()
        self.port: int = self._server.server_port

    def close(self) -> None:
        self._server.stop(timeout=1)

    def _serve(self, sock: Any, address: Any) -> None:
        lines, subscribed = sock.makefile("rb"), False
        first = self.connections == 0
        while True:
            command = self._read(lines)
            if not command:
                return
            name = command[0].upper()
            if name == b"SUBSCRIBE":
                subscribed = True
                self.connections += 1
                for number, channel in enumerate(command[1:], 1):
                    sock.sendall(reply(b"subscribe", channel, number))
                if first:
                    sock.sendall(self._says)
                    gevent.sleep(0.02)
                    return
                sock.sendall(reply(b"message", b"news", b"hello"))
            elif name == b"PING":
                sock.sendall(reply(b"pong", b"") if subscribed else b"+PONG\r\n")
            elif name != b"UNSUBSCRIBE":
                sock.sendall(b"+OK\r\n")

    @staticmethod
    def _read(lines: Any) -> list[bytes]:
        head = lines.readline()
        command = []
        for _ in range(int(head[1:] or 0)):
            size = int(lines.readline()[1:])
            command.append(lines.read(size + 2)[:-2])
        return command


class Slow(Scripted):
    """A Redis that answers (UN)SUBSCRIBE when the test says so."""

    def __init__(self) -> None:
        self.unanswered: list[tuple[bytes, bytes]] = []
        self.sock: Any = None
        super().__init__(b"")

    def _serve(self, sock: Any, address: Any) -> None:
        lines, subscribed = sock.makefile("rb"), False
        while command := self._read(lines):
            name = command[0].lower()
            if name in (b"subscribe", b"unsubscribe"):
                subscribed, self.sock = True, sock
                self.unanswered += [(name, each) for each in command[1:]]
            elif name == b"ping":
                sock.sendall(reply(b"pong", b"") if subscribed else b"+PONG\r\n")
            else:
                sock.sendall(b"+OK\r\n")

    def answer(self) -> None:
        """Answer what was asked first."""
        self.sock.sendall(reply(*self.unanswered.pop(0), 1))


def test_a_channel_that_was_left_meanwhile_is_active_when_listen_returns() -> None:
    """The answer to the first SUBSCRIBE is not the one to the second."""
    with closing(Slow()) as server:
        backend = RedisPubSub(
            port=server.port, socket_timeout=30, health_check_interval=30
        )
        other: list[bytes] = []
        asking = gevent.spawn(backend.listen, "other", other.append)
        wait_for(lambda: server.unanswered, "it subscribes")
        server.answer()
        asking.get(timeout=20)
        first = gevent.spawn(backend.listen, "news", print)
        wait_for(lambda: len(server.unanswered) == 1, "it subscribes")
        first.kill()
        second = gevent.spawn(backend.listen, "news", print)
        wait_for(lambda: len(server.unanswered) == 3, "it subscribes again")
        server.answer()
        server.answer()
        server.sock.sendall(reply(b"message", b"other", b"hello"))
        wait_for(lambda: other, "the answers are read")
        assert not second.ready()
        server.answer()
        second.get(timeout=20)
        backend.close()


def reply(*values: bytes | int) -> bytes:
    """An array, as Redis sends it."""
    parts = [b"*%d\r\n" % len(values)]
    for each in values:
        if isinstance(each, int):
            parts.append(b":%d\r\n" % each)
        else:
            parts.append(b"$%d\r\n%s\r\n" % (len(each), each))
    return b"".join(parts)


NO_REPLIES = {
    "nothing": b"",
    "another protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "an empty array": b"*0\r\n",
    "no array": b"*-1\r\n",
    "a number": b":1\r\n",
    "no text": b"$-1\r\n",
    "an error": b"-ERR no\r\n",
    "an array of a number": b"*1\r\n:5\r\n",
    "a message without a channel": b"*1\r\n$7\r\nmessage\r\n",
    "a message without content": reply(b"message", b"news"),
    "a message of no channel": b"*3\r\n$7\r\nmessage\r\n$-1\r\n$-1\r\n",
    "a message that is a number": reply(b"message", b"other", 5),
    "a message of a channel that is not UTF-8": reply(b"message", b"\xff", b"x"),
    "a message of a channel that nobody asked for": reply(b"message", b"x", b"x"),
    "a confirmation too many": reply(b"subscribe", b"x", 1) * 3,
    "a confirmation that is not UTF-8": reply(b"subscribe", b"\xff", 1),
    "a kind that there is not": reply(b"\xff\xfe", b"news", b"x"),
    "half a message": reply(b"message", b"news", b"x" * 100)[:-50],
    "a length that is no number": b"$x\r\n",
    "a length below none": b"*-5\r\n$-7\r\n",
    "arrays in arrays": b"*1\r\n" * 5000,
    "an answer of the third protocol": b">3\r\n+message\r\n+news\r\n+x\r\n",
}


def expect_that_it_is_heard(says: bytes) -> None:
    server = Scripted(says)
    backend = RedisPubSub(
        port=server.port, socket_timeout=0.5, health_check_interval=0.3
    )
    heard: list[Any] = []
    try:
        backend.listen("news", heard.append)
        wait_for(lambda: b"hello" in heard, "the next connection is heard")
    finally:
        backend.close()
        server.close()


@pytest.mark.parametrize("says", NO_REPLIES.values(), ids=NO_REPLIES)
def test_whatever_redis_says_the_next_connection_is_heard(
    says: bytes, unhandled: Any
) -> None:
    expect_that_it_is_heard(says)
    assert unhandled == []


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.sampled_from(list(NO_REPLIES.values())) | st.binary(max_size=40)))
def test_and_whatever_it_could_say(says: list[bytes]) -> None:
    expect_that_it_is_heard(b"".join(says))
