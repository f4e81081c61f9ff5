"""Presence over three processes that are killed and cut off from Redis.

``python -m tests.soak.presence [--users 300] [--seconds 20]`` starts three servers,
each with its own way to Redis, and users whose tabs come and go at any of them. Then
one process is killed (SIGKILL) and started again, and another one is cut off from Redis
for ten seconds. After each step it prints the seconds until all processes show the
same, and until this is what the users know of themselves, which includes the time for
which users who left are waited for. It fails if that does not become true.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from gevent import monkey

monkey.patch_all()

import gevent  # noqa: E402
from gevent.pool import Pool  # noqa: E402
from gevent.socket import create_connection  # noqa: E402

from tests.engine import clients  # noqa: E402
from tests.engine.clients import Http, WebSocket5  # noqa: E402
from tests.ports import free_port  # noqa: E402
from tests.redis_server import running_redis  # noqa: E402
from tests.soak.redis_way import RedisWay  # noqa: E402

NODES = 3
CUT_OFF = 10.0
#: Seconds within which all have to agree, whatever has happened: three heartbeats, one
#: more until the silence is noticed, and ``presence_linger``.
DEADLINE = 8.0 + 10.0


def serve(port: int, redis_port: int) -> None:
    """Run a server; the user of a connection is named in its query."""
    from tg import MinimalApplicationConfigurator, TGController, expose

    from tgext.socketio import PresenceMixin, SocketIOController, SocketIOTGNamespace
    from tgext.socketio.engine.server import SocketIOServer

    class Chat(SocketIOTGNamespace, PresenceMixin):
        def recv_connect(self) -> None:
            query = parse_qs(self.environ["QUERY_STRING"])
            self.track(tab=query["tab"][0])

    class SocketIO(SocketIOController):
        chat = Chat

    class RootController(TGController):
        socketio = SocketIO()

        @expose("json")
        def who(self) -> dict[str, Any]:
            return SocketIO.namespace("/chat").present()

    class Globals: ...

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint(
        {
            "root_controller": RootController(),
            "app_globals": Globals,
            "anypubsub.backend": "redis",
            "anypubsub.port": str(redis_port),
            "socketio.cluster": "true",
        }
    )
    wsgi = configurator.make_wsgi_app({}, {})

    def identify(environ: dict[str, Any], start_response: Any) -> Any:
        user = parse_qs(environ["QUERY_STRING"]).get("user")
        if user:
            environ["repoze.who.identity"] = {"repoze.who.userid": user[0]}
        return wsgi(environ, start_response)

    server = SocketIOServer(("127.0.0.1", port), identify, resource="socketio")
    server.serve_forever()


class Node:
    """A server in a process of its own."""

    def __init__(self, way: RedisWay, log: Path) -> None:
        self.port = free_port()
        self.way = way
        self._log = log
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.soak.presence", "--serve"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, str(self.port), str(self.way.port)], stderr=log
            )
        end = time.monotonic() + 30
        while True:
            try:
                create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                assert time.monotonic() < end, "a server does not answer"
                gevent.sleep(0.05)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)
        self._process.wait()

    def present(self) -> dict[str, Counter[str]]:
        """Who is present, as a page of the process shows."""
        http = Http(self.port)
        text = http.get("/who").text
        http.close()
        entries = json.loads(text)
        return {
            user: Counter(each["tab"] for each in infos)
            for user, infos in entries.items()
        }


class Users:
    """The users, and the tabs that each has open."""

    def __init__(self, nodes: list[Node], count: int) -> None:
        self.nodes = nodes
        self.names = [f"user{number}" for number in range(count)]
        self.tabs: dict[str, tuple[str, Node, WebSocket5]] = {}
        self._made = 0

    def open(self, user: str, node: Node) -> None:
        self._made += 1
        tab = f"{user}.{self._made}"
        client = WebSocket5(node.port, query=f"user={user}&tab={tab}")
        client.join("/chat")
        # What the page is told is not of interest here.
        gevent.spawn(self._read, client)
        self.tabs[tab] = (user, node, client)

    def _read(self, client: WebSocket5) -> None:
        try:
            while True:
                if client.receive() == "2":
                    client.send("3")
        except (AssertionError, OSError):
            pass

    def close(self, tab: str) -> None:
        _, _, client = self.tabs.pop(tab)
        try:
            client.close()
        except OSError:
            pass

    def lose(self, node: Node) -> list[str]:
        """The tabs of a node have lost their connections; returns their users."""
        lost = [(tab, user) for tab, (user, at, _) in self.tabs.items() if at is node]
        for tab, _ in lost:
            self.close(tab)
        return [user for _, user in lost]

    def churn(self, seconds: float, nodes: list[Node]) -> int:
        """Let tabs come and go; returns how many did."""
        end, changes = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            user = random.choice(self.names)
            own = [tab for tab, (owner, _, _) in self.tabs.items() if owner == user]
            if own and (len(own) > 2 or random.random() < 0.5):
                self.close(random.choice(own))
            else:
                self.open(user, random.choice(nodes))
            changes += 1
            gevent.sleep(0.005)
        return changes

    def expected(self) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for tab, (user, _, _) in self.tabs.items():
            found.setdefault(user, Counter())[tab] += 1
        return found

    def await_agreement(self, what: str, nodes: list[Node]) -> None:
        """Wait until all nodes show what the users know; print how long it took."""
        begin, agreed, expected = time.monotonic(), 0.0, self.expected()
        while True:
            shown = [each.present() for each in nodes]
            seconds = time.monotonic() - begin
            if not agreed and all(each == shown[0] for each in shown):
                agreed = seconds
            if all(each == expected for each in shown):
                break
            if seconds > DEADLINE:
                self.explain(nodes, expected)
                raise SystemExit(f"{what}: the processes do not agree")
            gevent.sleep(0.05)
        there = f"{len(expected)} users with {len(self.tabs)} tabs are there"
        times = f"they agree after {agreed:.2f} s, and are right after {seconds:.2f} s"
        print(f"{what}: {there}; {times}", flush=True)

    def explain(self, nodes: list[Node], expected: dict[str, Counter[str]]) -> None:
        for each in nodes:
            shown = each.present()
            ghosts = sorted(shown.keys() - expected.keys())
            missing = sorted(expected.keys() - shown.keys())
            print(f"port {each.port}: ghosts {ghosts[:5]}, missing {missing[:5]}")


def run(count: int, seconds: float, directory: Path, redis_port: int) -> None:
    log = directory / "servers.log"
    nodes = [Node(RedisWay(redis_port), log) for _ in range(NODES)]
    users = Users(nodes, count)
    first, second, third = nodes
    try:
        pool = Pool(20)
        for user in users.names:
            pool.spawn(users.open, user, random.choice(nodes))
        pool.join()
        users.await_agreement("all users have come", nodes)
        changes = users.churn(seconds, nodes)
        users.await_agreement(f"after {changes} changes", nodes)

        third.signal(signal.SIGKILL)
        for user in users.lose(third)[::2]:
            users.open(user, random.choice([first, second]))
        users.await_agreement("a process was killed", [first, second])
        changes = users.churn(seconds / 4, [first, second])
        third.start()
        users.await_agreement(f"{changes} changes, and it is back", [first, second])
        changes = users.churn(seconds / 4, nodes)
        users.await_agreement(f"after {changes} changes", nodes)

        second.way.cut()
        changes = users.churn(CUT_OFF, [first, third])
        for tab in [tab for tab, (_, at, _) in users.tabs.items() if at is second][::2]:
            users.close(tab)
        second.way.mend()
        what = f"a process was cut off for {CUT_OFF:g} s, {changes} changes"
        users.await_agreement(what, nodes)

        for tab in list(users.tabs):
            users.close(tab)
        users.await_agreement("all have gone", nodes)
        print(log.read_text(errors="replace")[-2000:], file=sys.stderr)
    finally:
        for each in nodes:
            each.signal(signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.soak.presence", description=__doc__)
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--serve", type=int, nargs=2, metavar=("PORT", "REDIS"))
    arguments = parser.parse_args()
    if arguments.serve:
        serve(*arguments.serve)
        return
    clients.RESOURCE = "/socketio"
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with running_redis(directory) as redis:
            run(arguments.users, arguments.seconds, directory, redis.port)


if __name__ == "__main__":
    main()
