"""Processes share who is present, over a broker that loses messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from tests.engine.clients import wait_for
from tgext.socketio.backends.errors import BrokerUnavailable
from tgext.socketio.backends.redis_tables import Table
from tgext.socketio.messaging.channels import Channels
from tgext.socketio.messaging.peers import MISSED, Peers
from tgext.socketio.messaging.presence import sources as module
from tgext.socketio.messaging.presence.members import Entry, Topic
from tgext.socketio.messaging.presence.replica import Replica
from tgext.socketio.messaging.presence.sharing import ClusterSharing
from tgext.socketio.messaging.presence.sources import (
    AnswerSource,
    Source,
    TableSource,
)

LOBBY: Topic = ("/chat", "lobby")

#: Processes do not beat by themselves during a test.
INTERVAL = 3600.0


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Broker:
    """What all processes share; messages with a word in them may be lost."""

    def __init__(self, clock: Clock) -> None:
        self.heard: dict[str, list[Callable[[Any], object]]] = {}
        self.lost = False
        self.losing = ""
        self.clock = clock
        self.tables: dict[str, tuple[int, dict[str, str], float]] = {}
        self.reads: list[str] = []

    def listen(self, channel: str, heard: Callable[[Any], object]) -> None:
        self.heard.setdefault(channel, []).append(heard)

    def unlisten(self, channel: str, heard: Callable[[Any], object]) -> None:
        self.heard[channel].remove(heard)

    def publish(self, channel: str, message: Any) -> None:
        self.check()
        if not (self.losing and self.losing in message):
            for each in list(self.heard.get(channel, ())):
                each(message)

    def check(self) -> None:
        if self.lost:
            raise BrokerUnavailable("the broker is lost")

    # The tables, as those of Redis

    def write(
        self, name: str, before: int, number: int, there: Any = None, gone: Any = ()
    ) -> bool:
        self.check()
        table = self._table(name)
        if table is None or table[0] != before:
            return False
        entries = {**table[1], **(there or {})}
        for each in gone:
            entries.pop(each, None)
        self._put(name, number, entries)
        return True

    def write_whole(self, name: str, number: int, entries: Any) -> None:
        self.check()
        self._put(name, number, dict(entries))

    def read(self, name: str) -> Table | None:
        self.check()
        self.reads.append(name)
        table = self._table(name)
        if table is None:
            return None
        return Table(table[0], list(table[1].items()), table[2] - self.clock.now)

    def names(self) -> list[str]:
        self.check()
        return [name for name in self.tables if self._table(name) is not None]

    def remove(self, name: str) -> None:
        self.check()
        self.tables.pop(name, None)

    def _put(self, name: str, number: int, entries: dict[str, str]) -> None:
        until = self.clock.now + MISSED * INTERVAL
        self.tables[name] = (number, entries, until)

    def _table(self, name: str) -> tuple[int, dict[str, str], float] | None:
        table = self.tables.get(name)
        return None if table is None or table[2] <= self.clock.now else table


class Process:
    """A process of the cluster."""

    def __init__(self, cluster: Cluster, secret: str) -> None:
        self.peers = Peers(
            Channels(cluster.broker),  # type: ignore[arg-type]
            "tgext.socketio/cluster",  # type: ignore[arg-type]
            secret,
            INTERVAL,
            cluster.clock,
        )
        self.peers.hold()
        self.replica = Replica(1000)
        self.told = 0
        self.sharing = cluster.share(self.peers, self.replica, secret, self._tell)

    def _tell(self) -> None:
        self.told += 1

    def add(self, user: str, **info: Any) -> int:
        reference = self.replica.add(Entry(LOBBY, user, info))
        self.sharing.wake()
        return reference

    def sees(self) -> set[str]:
        return set(self.replica.members.users(LOBBY))


class Cluster:
    def __init__(self, has_tables: bool) -> None:
        self.has_tables = has_tables
        self.clock = Clock()
        self.broker = Broker(self.clock)
        self.running: list[Process] = []
        self.sources: list[Source] = []

    def share(
        self,
        peers: Peers,
        replica: Replica,
        secret: str,
        told: Callable[[], object],
        controller: str = "a.controller",
    ) -> ClusterSharing:
        source: Source
        if self.has_tables:
            tables: Any = self.broker
            source = TableSource(
                tables, replica, peers.id, controller, secret, self.clock
            )
        else:
            source = AnswerSource(peers, replica, controller, self.clock)
        self.sources.append(source)
        return ClusterSharing(replica, peers, source, controller, told, self.clock)

    def start(self, secret: str = "") -> Process:
        process = Process(self, secret)
        self.running.append(process)
        process.sharing.start()
        return process

    def stop(self, process: Process) -> None:
        self.running.remove(process)
        process.sharing.close()
        process.peers.release()

    def kill(self, process: Process) -> None:
        """It says nothing any more."""
        self.running.remove(process)
        process.sharing.close = lambda: None  # type: ignore[method-assign]
        for name, listeners in self.broker.heard.items():
            own = (process.peers, process.sharing)
            self.broker.heard[name] = [
                each for each in listeners if getattr(each, "args", [0])[0] not in own
            ]
        gevent.killall(self._greenlets_of(process))

    def _greenlets_of(self, process: Process) -> list[Any]:
        parts = vars(process.sharing), vars(process.peers)
        found = [each for part in parts for each in part.values()]
        return [each for each in found if isinstance(each, gevent.Greenlet)]

    def beat(self, intervals: float = 1.0) -> None:
        """Let time pass; each process sends its heartbeat."""
        self.clock.now += intervals * INTERVAL
        for each in self.running:
            each.peers.beat()
            each.sharing.beat()

    def settle(self) -> None:
        """Wait until the processes know each other."""
        ids = {each.peers.id for each in self.running}
        wait_for(
            lambda: all(
                each.peers.alive == ids - {each.peers.id} and not each.replica.doubted
                for each in self.running
            ),
            "all know all",
        )

    def expect(self, *users: str) -> None:
        """All processes see these users, sooner or later."""
        wait_for(
            lambda: all(each.sees() == set(users) for each in self.running),
            f"all see {users}",
        )


@pytest.fixture(params=["tables", "questions"])
def cluster(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cluster]:
    monkeypatch.setattr(module, "GREETING", 0.05)
    cluster = Cluster(request.param == "tables")
    yield cluster
    cluster.broker.lost, cluster.broker.losing = False, ""
    for each in list(cluster.running):
        cluster.stop(each)


@pytest.mark.parametrize("secret", ["", "a secret"])
def test_all_see_who_is_present(cluster: Cluster, secret: str) -> None:
    first, second = cluster.start(secret), cluster.start(secret)
    reference = first.add("ann")
    second.add("bob")
    cluster.expect("ann", "bob")
    assert second.told
    third = cluster.start(secret)
    assert third.sees() == {"ann", "bob"}, "it knows all from the beginning"
    first.replica.remove(reference)
    first.sharing.wake()
    cluster.expect("bob")


def test_many_changes_are_told_in_batches(cluster: Cluster) -> None:
    first, _ = cluster.start(), cluster.start()
    for number in range(450):
        first.add(str(number))
    before = first.replica.number
    cluster.expect(*map(str, range(450)))
    assert first.replica.number == before + 3


def test_a_lost_batch_is_noticed_by_the_next(cluster: Cluster) -> None:
    first, second = cluster.start(), cluster.start()
    cluster.settle()
    cluster.broker.losing = "ann"
    first.add("ann")
    wait_for(lambda: not first.replica.unsent, "ann was told, and lost")
    cluster.broker.losing = ""
    first.add("bob")
    cluster.expect("ann", "bob")
    wait_for(lambda: second.replica.doubted == [], "nobody is doubted")


def test_a_lost_last_batch_is_noticed_by_the_heartbeat(cluster: Cluster) -> None:
    first, second = cluster.start(), cluster.start()
    cluster.settle()
    cluster.broker.losing = "ann"
    first.add("ann")
    wait_for(lambda: not first.replica.unsent, "ann was told, and lost")
    cluster.broker.losing = ""
    assert second.sees() == set()
    cluster.beat()
    cluster.expect("ann")


def test_who_ends_tells_its_last_changes(cluster: Cluster) -> None:
    first, second = cluster.start(), cluster.start()
    ann, _ = first.add("ann"), first.add("bob")
    cluster.expect("ann", "bob")
    first.replica.linger(ann, cluster.clock.now + 10.0)
    cluster.stop(first)
    cluster.expect("ann")
    second.replica.expire(cluster.clock.now + 11.0)
    cluster.expect()
    assert cluster.broker.tables.keys() <= {f"{second.peers.id} a.controller"}


def test_who_is_killed_takes_its_members_with_it(cluster: Cluster) -> None:
    first, second = cluster.start(), cluster.start()
    first.add("ann")
    second.add("bob")
    cluster.expect("ann", "bob")
    cluster.kill(first)
    for _ in range(MISSED):
        cluster.beat()
    cluster.beat(0.1)
    cluster.expect("bob")


def test_a_broker_that_was_lost_is_told_everything_again(cluster: Cluster) -> None:
    first, second = cluster.start(), cluster.start()
    first.add("ann")
    cluster.expect("ann")
    cluster.broker.lost = True
    first.add("bob")
    second.add("eve")
    gevent.sleep(0.1)
    assert (first.sees(), second.sees()) == ({"ann", "bob"}, {"ann", "eve"})
    cluster.clock.now += 2 * MISSED * INTERVAL
    cluster.broker.tables.clear()
    cluster.broker.lost = False
    cluster.beat(0.0)
    cluster.beat()
    cluster.expect("ann", "bob", "eve")


def test_other_controllers_are_others(cluster: Cluster) -> None:
    first = cluster.start()
    other = Replica()
    sharing = cluster.share(first.peers, other, "", lambda: None, "another")
    sharing.start()
    first.add("ann")
    second = cluster.start()
    cluster.expect("ann")
    assert other.members.users(LOBBY) == []
    sharing.close()
    assert second.sees() == {"ann"}


def test_what_is_invalid_is_skipped(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = cluster.start(), cluster.start()
    for kind in ("presence", "presence number"):
        first.peers.tell(f"{kind} a.controller", {"number": "x"})
        first.peers.tell(f"{kind} a.controller", None)
    assert caplog.text.count("A message presence") >= 1
    first.add("ann")
    cluster.expect("ann")
    wait_for(lambda: second.replica.doubted == [], "nobody is doubted")


def test_a_table_that_redis_forgot_is_written_anew() -> None:
    cluster = Cluster(has_tables=True)
    first = cluster.start()
    first.add("ann")
    wait_for(lambda: not first.replica.unsent, "ann is written")
    cluster.broker.tables.clear()
    cluster.beat()
    assert cluster.start().sees() == {"ann"}
    for each in list(cluster.running):
        cluster.stop(each)


def test_the_table_of_a_process_that_nobody_heard_is_forgotten() -> None:
    """It was killed just before this process began."""
    cluster = Cluster(has_tables=True)
    first = cluster.start()
    first.add("ann")
    wait_for(lambda: not first.replica.unsent, "ann is written")
    cluster.kill(first)
    cluster.clock.now += INTERVAL
    second = cluster.start()
    second.add("bob")
    assert second.sees() == {"ann", "bob"}
    for _ in range(MISSED):
        cluster.beat()
    assert second.sees() == {"bob"}
    cluster.stop(second)


def test_a_table_with_invalid_entries_is_skipped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cluster = Cluster(has_tables=True)
    cluster.broker.write_whole("eve a.controller", 5, {"1": "{}"}.items())
    first = cluster.start()
    assert first.sees() == set()
    assert "The presence of process eve is skipped" in caplog.text
    cluster.stop(first)


def test_a_broker_that_does_not_answer_is_an_error(cluster: Cluster) -> None:
    if not cluster.has_tables:
        return
    process = Process(cluster, "")
    cluster.broker.lost = True
    with pytest.raises(BrokerUnavailable):
        process.sharing.start()
    assert process.peers.came == []
    process.sharing.close()
    cluster.broker.lost = False
    process.peers.release()


def test_who_ends_while_it_is_read_does_not_stay(cluster: Cluster) -> None:
    first, second = cluster.start(), cluster.start()
    first.add("ann")
    cluster.expect("ann")
    cluster.settle()
    source = cluster.sources[-1]
    read, told = source.read, second.told

    def read_late(names: list[str]) -> Any:
        found = read(names)
        cluster.stop(first)
        wait_for(lambda: second.replica.peers == [], "it is forgotten")
        return found

    source.read = read_late  # type: ignore[method-assign]
    second.replica.doubt(first.peers.id)
    second.sharing.wake()
    wait_for(lambda: second.told > told + 1, "it was read")
    assert second.sees() == set()
    assert second.replica.peers == []


def test_a_table_that_outlives_its_process_is_forgotten() -> None:
    """It is read once more when the broker was lost."""
    cluster = Cluster(has_tables=True)
    first, second = cluster.start(), cluster.start()
    cluster.settle()
    cluster.beat()
    ann, _ = first.add("ann"), first.add("bob")
    first.replica.linger(ann, cluster.clock.now + 3000.0)
    first.sharing.wake()
    cluster.expect("ann", "bob")
    cluster.kill(first)
    first.peers.tell("end")
    cluster.expect("ann")
    for returned in second.peers.returned:
        returned()
    for _ in range(MISSED + 1):
        cluster.beat()
    assert second.sees() == {"ann"}
    cluster.stop(second)


def test_who_cannot_be_read_hides_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(has_tables=True)
    read = cluster.broker.read

    def read_as_redis(name: str) -> Table | None:
        name.encode()
        return read(name)

    monkeypatch.setattr(cluster.broker, "read", read_as_redis)
    cluster.broker.write_whole("\ud800 a.controller", 1, {})
    first = cluster.start()
    first.add("ann")
    cluster.expect("ann")
    cluster.beat()
    second = cluster.start()
    assert second.sees() == {"ann"}
    for each in (first, second):
        cluster.stop(each)
