"""What is written of sessions, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.engine.clients import wait_for
from tests.redis_server import RedisServer
from tgext.socketio.backends.errors import BrokerUnavailable
from tgext.socketio.backends.redis_records import Records, Written
from tgext.socketio.engine.recovery.states import State
from tgext.socketio.messaging.recovery.saving import PAUSE, SELDOM, Saving

from .processes import Start, at, processes
from .readers import Reading

__all__ = ["processes"]


class Session:
    def __init__(self, name: str) -> None:
        self.pid = self.sid = self.text = name
        self.state = State.IN
        #: The seconds that its text takes; None if it is too large for one.
        self.large = False


class Fake:
    """Records, and what was sent to them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.answer = Written([], [], [])
        self.sent: list[list[str]] = []
        self.looked_at: list[str] = []
        self.removed: list[str] = []
        self.taken: list[Any] = []
        self.lost = False
        self.cost = 0.0
        self.since: dict[str, int] = {}
        self.saving = Saving(
            self, lambda session: None, self.taken.append, 12.0, 30.0, lambda: self.now
        )

    def text_of(self, name: str, session: Any, since: int, epoch: str) -> str | None:
        self.looked_at.append(session.sid)
        self.since[session.sid] = since
        self.now += self.cost
        return None if session.large else session.text

    def write(self, texts: Mapping[str, str], seconds: float) -> Written:
        if self.lost:
            raise BrokerUnavailable("lost")
        self.sent.append(list(texts.values()))
        answer, self.answer = self.answer, Written([], [], [])
        return answer

    def remove(self, names: list[str]) -> None:
        self.removed += names

    def save(self, *sessions: Any) -> list[list[str]]:
        """Save sessions, and return what was sent."""
        for each in sessions:
            self.saving.save(each)
        self.sent = []
        self.saving.write(0, "epoch")
        return self.sent


@pytest.fixture
def fake() -> Any:
    return Fake()


def test_a_text_is_sent_once(fake: Any) -> None:
    ann, bob = Session("ann"), Session("bob")
    assert fake.save(ann, bob) == [["ann", "bob"]]
    assert fake.save(ann) == [[""]]
    ann.text = "ann, changed"
    assert fake.save(ann, bob) == [["ann, changed", ""]]
    ann.state = State.GONE
    assert fake.save(ann) == [[""]]
    assert fake.save() == []


def test_it_is_sent_again_when_it_is_not_there(fake: Any) -> None:
    ann = Session("ann")
    fake.save(ann)
    fake.answer = Written([], [fake.saving.name_of(ann)], [])
    assert fake.save(ann) == [[""], ["ann"]]
    assert fake.save(ann) == [[""]]
    fake.saving.doubt()
    assert fake.save(ann) == [["ann"]]
    fake.lost = True
    with pytest.raises(BrokerUnavailable):
        fake.save(ann)
    fake.lost = False
    assert fake.save() == [["ann"]]


def test_it_is_not_there_when_it_was_refused(fake: Any) -> None:
    ann = Session("ann")
    fake.saving.save(ann)
    fake.answer = Written([], [], [fake.saving.name_of(ann)])
    assert fake.save(ann) == [["ann"]]
    assert fake.save(ann) == [["ann"]]


def test_another_process_has_taken_it(fake: Any) -> None:
    ann, bob = Session("ann"), Session("bob")
    fake.save(ann, bob)
    fake.answer = Written([fake.saving.name_of(ann)], [], [])
    fake.save(ann, bob)
    assert fake.taken == [ann]


def test_all_are_written_again_now_and_then(fake: Any) -> None:
    """Also those that do not change, behind others that do."""
    ann, bob = Session("ann"), Session("bob")
    fake.save(ann, bob)
    for each in range(4):
        fake.now += 3.0
        ann.text = str(each)
        assert fake.save(ann) == ([[str(each), "bob"]] if each == 3 else [[str(each)]])
    fake.now += 3.0
    assert fake.save(ann) == [[""]]


def test_one_that_is_too_large_is_looked_at_seldom(fake: Any) -> None:
    ann = Session("ann")
    fake.save(ann)
    ann.large, fake.cost, fake.looked_at = True, 0.1, []
    for _ in range(5):
        assert fake.save(ann) == []
    assert fake.looked_at == ["ann"]
    assert len(fake.removed) == 1
    assert not fake.saving.has_changed
    fake.now += max(PAUSE, SELDOM * fake.cost)
    fake.save(ann)
    assert fake.looked_at == ["ann"] * 2
    # It may have become smaller when its client goes.
    ann.large, ann.state = False, State.GONE
    assert fake.save(ann) == [["ann"]]


def test_a_client_that_is_kept_here(fake: Any) -> None:
    ann, bob = Session("ann"), Session("bob")
    fake.save(ann, bob)
    fake.saving.keep_here("ann", 7)
    assert fake.saving.has_changed
    fake.save(ann, bob)
    assert fake.since == {"ann": 7, "bob": 0}


def test_nothing_is_left_of_one_that_has_ended(fake: Any) -> None:
    ann = Session("ann")
    fake.save(ann)
    name = fake.saving.name_of(ann)
    fake.saving.remove(ann)
    fake.saving.remove(ann)
    assert fake.save() == []
    assert fake.removed == [name]
    assert fake.saving.name_of(ann) is None
    assert fake.saving.named(name) is None


# With Redis


class Noting(Reading):
    def on_put(self, name: str, value: Any) -> None:
        self.session[name] = value

    def on_get(self, name: str) -> Any:
        return self.session.get(name)

    def on_echo(self, value: Any) -> None:
        self.emit("echo", value)


@pytest.fixture
def start(processes: Start) -> Start:
    return lambda cls=Noting, **settings: processes(cls, **settings)


KEYS = "tgext.socketio/cluster/recovery/*"


def size_of_text(redis: RedisServer) -> int:
    """The characters of the only session in Redis."""
    keys = redis.client.keys(KEYS)
    return redis.client.hstrlen(keys[0], "text") if keys else 0


def test_events_that_change_nothing_send_no_text(
    start: Start, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = start(), start()
    ann = here.join()
    ann.call("put", "data", "x" * 200_000)
    wait_for(lambda: size_of_text(redis) > 200_000, "it is written")
    sizes: list[int] = []
    write = Records.write

    def count(self: Records, texts: Mapping[str, str], seconds: float) -> Written:
        sizes.append(sum(map(len, texts.values())))
        return write(self, texts, seconds)

    monkeypatch.setattr(Records, "write", count)
    for _ in range(20):
        ann.call("channels")
        here.journal.flush()
    wait_for(lambda: sizes, "its record is renewed")
    assert sum(sizes) == 0
    back = at(there, ann)
    assert len(back.call("get", "data")) == 200_000


@pytest.mark.parametrize("lost", ["the record", "its text"])
def test_its_record_has_gone(start: Start, redis: RedisServer, lost: str) -> None:
    here, there = start(), start()
    ann = here.join()
    ann.call("put", "name", "Ann")
    here.journal.flush()
    [key] = redis.client.keys(KEYS)
    wait_for(lambda: "Ann" in redis.client.hget(key, "text"), "it is written")
    if lost == "the record":
        redis.client.delete(key)
    else:
        redis.client.hdel(key, "text")
    ann.call("channels")
    wait_for(lambda: size_of_text(redis) > 0, "it is written again")
    back = at(there, ann)
    assert back.recovered
    assert back.call("get", "name") == "Ann"


def test_a_key_of_another_type_in_the_place_of_one_session(
    start: Start, redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = start(), start()
    ann = here.join()
    here.journal.flush()
    [key] = redis.client.keys(KEYS)
    redis.client.delete(key)
    redis.client.set(key, "x")
    bob = here.join()
    ann.call("put", "name", "Ann")
    bob.call("put", "name", "Bob")
    told = "has another type of value in Redis; delete it"
    wait_for(lambda: told in caplog.text, "it is logged")
    for each in (ann, bob):
        each.cut()
    back = at(there, bob)
    assert back.recovered
    assert back.call("get", "name") == "Bob"
    assert at(here, ann).recovered
    redis.client.delete(key)


def test_a_key_of_another_type_in_the_place_of_one_clients_messages(
    start: Start, redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not keep those of others from being written."""
    here, there = start(), start()
    ann, bob = here.join(), here.join()
    ann.call("echo", 1)
    here.journal.flush()
    [key] = redis.client.keys("tgext.socketio/log/*/stream/*/socket:*")
    redis.client.delete(key)
    redis.client.set(key, "x")
    ann.offset = bob.offset = None
    ann.call("echo", 2)
    bob.call("echo", 3)
    here.journal.flush()
    ann.offset = bob.offset = None
    for each in (ann, bob):
        each.cut()
    wait_for(lambda: "A message of /chat is not kept" in caplog.text, "it is logged")
    assert at(there, bob).read() == [3]
    assert not at(there, ann).recovered
    redis.client.delete(key)
