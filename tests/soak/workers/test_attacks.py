"""What attackers send to workers is refused, and clients are served meanwhile."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.engine import clients
from tests.engine.clients import Http, Polling5, Raw
from tests.live.crowds import wait_until
from tests.live.test_workers import workers_of
from tgext.socketio.engine.handover.signed import sign
from tgext.socketio.messaging.sealed import Seal

from . import attackers
from .attackers import Target
from .behind import Behind, serving

MAKE = "tests.soak.workers.application:make_app"

SECRET = "the secret of the application"
#: Besides the secret, what signatures of handing over depend on.
CHANNEL = "tgext.socketio/cluster/sessions"
OPTIONS = """
internal_address = 127.0.0.1
trusted_proxies = 127.0.0.8
header_timeout = 2
"""

#: How often each attack is made.
TIMES = 200


@pytest.fixture(autouse=True)
def _resource(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    make = f"{MAKE}\nsocketio.cluster_secret = {SECRET}"
    folder = tmp_path_factory.mktemp("attacked")
    with serving(folder, make, 2, options=OPTIONS) as behind:
        yield behind
    assert "Traceback" not in behind.server.output


class Residents:
    """A client of each worker, and the workers as attackers know them."""

    def __init__(self, served: Behind) -> None:
        self.clients: dict[int, Polling5] = {}
        self.targets: list[Target] = []
        workers = workers_of(served.server)
        while set(self.clients) != workers:
            client = Polling5(served.port)
            client.join("/chat")
            [pid] = client.call("/chat", "pid")
            if pid in self.clients:
                client.close()
                continue
            self.clients[pid] = client
            self.targets.append(attackers.target(pid, client.sid[:8], served.port))

    def are_served(self) -> bool:
        """Each by its own worker, wherever its requests arrive."""
        return all(
            client.call("/chat", "pid") == [pid] for pid, client in self.clients.items()
        )


@pytest.fixture
def residents(served: Behind) -> Iterator[Residents]:
    made = Residents(served)
    workers = set(made.clients)

    def connections() -> int:
        return sum(len(attackers.sockets_of(pid)) for pid in workers)

    before = connections()
    yield made
    assert made.are_served()
    assert workers_of(served.server) == workers
    # Workers keep some connections to each other.
    wait_until(lambda: connections() < before + TIMES / 10, "none is left")
    for each in made.clients.values():
        each.close()


#: A request that shows which attacks there are.
ANY = attackers.poll(Target(0, "token_of", 0, ""), "any")
INTERNAL = list(attackers.forged(ANY, Seal(CHANNEL), Seal(CHANNEL)))
OFFERS = list(attackers.forged_offers(ANY))


@pytest.mark.parametrize("attack", INTERNAL)
def test_the_internal_address(attack: str, residents: Residents) -> None:
    chance = random.Random(attack)
    for number in range(TIMES):
        target = residents.targets[number % 2]
        offer = attackers.poll(target, residents.clients[target.pid].sid)
        known, guessed = Seal(CHANNEL, SECRET), Seal(CHANNEL, "guessed")
        data = attackers.forged(offer, known, guessed)[attack](chance)
        answer = attackers.send_to_internal(target.internal, data)
        assert answer.startswith(b"HTTP/1.1 403 ") or not answer, answer
        assert answer or attack in ("truncated", "without an end")
        if not number % 20:
            assert residents.are_served()


def test_what_was_recorded_is_not_served_again(residents: Residents) -> None:
    for number in range(TIMES):
        target = residents.targets[number % 2]
        client = residents.clients[target.pid]
        client.emit("/chat", "pid", number=1)  # for which the poll is answered
        data = sign(attackers.poll(target, client.sid), Seal(CHANNEL, SECRET))
        answer = attackers.send_to_internal(target.internal, data)
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        for _ in range(2):
            answer = attackers.send_to_internal(target.internal, data)
            assert answer.startswith(b"HTTP/1.1 403 "), answer


@pytest.mark.parametrize("attack", OFFERS)
def test_the_unix_socket(attack: str, residents: Residents) -> None:
    chance = random.Random(attack)
    for number in range(TIMES):
        target = residents.targets[number % 2]
        offer = attackers.poll(target, residents.clients[target.pid].sid)
        data, connections = attackers.forged_offers(offer)[attack](chance)
        assert attackers.send_to_path(target.path, data, connections) == b""
        if not number % 20:
            assert residents.are_served()


def test_the_public_port(served: Behind, residents: Residents) -> None:
    """Headers of proxies and of workers are not believed; sessions are not guessed."""
    chance = random.Random(0)
    for number in range(TIMES):
        target = residents.targets[number % 2]
        sid = residents.clients[target.pid].sid
        guessed = sid[:8] + "".join(chance.choices("abc_-019", k=22))
        signed = sign(attackers.poll(target, guessed), Seal(CHANNEL, "guessed"))
        with closing(Raw(served.port)) as raw:
            raw.send_raw(
                signed.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: ::1\r\n\r\n")
            )
            reply = raw.receive_reply()
        assert (reply.status, reply.json["code"]) == (400, 1)
        with closing(Http(served.port)) as http:
            forged: dict[str, str] = {
                "X-Forwarded-For": ", ".join(["127.0.0.8"] * chance.randint(1, 50)),
                "X-Forwarded-Proto": chance.choice(["https", "gopher", "\xff"]),
                "Forwarded": chance.choice(["for=_x", "for=[::1];;", '="']),
                "X-Forwarded-Host": "evil.example",
            }
            assert http.get("/pid", forged).status == 200
