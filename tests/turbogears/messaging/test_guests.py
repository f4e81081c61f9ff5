"""A process without clients that asks those that have some."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tgext.socketio.messaging.guests import Guest
from tgext.socketio.messaging.sealed import Seal

CHANNEL: Any = "tgext.socketio/cluster"


class Broker:
    """Answers each question with messages that a test chooses."""

    def __init__(self, answer: Callable[[str, str], list[Any]]) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    def publish(self, channel: str, message: str) -> None:
        self.asked.append((channel, message))

    def converse(
        self,
        own: str,
        channel: str,
        message: str,
        seconds: float,
        heard: Callable[[Any], int],
    ) -> int:
        self.publish(channel, message)
        number = json.loads(message.partition(" ")[2] or message)["data"][0]
        return max([heard(each) for each in self.answer(own, number)], default=0)


def make(broker: Any, secret: str = "") -> Guest:
    return Guest(broker, CHANNEL, secret)


def reply(number: str, answer: Any, sender: str = "a", kind: str = "answer") -> Any:
    return {"from": sender, "kind": kind, "data": [number, answer]}


@pytest.mark.parametrize("secret", ["", "a secret"])
def test_answers_are_read_by_the_process_that_gave_them(secret: str) -> None:
    def answer(own: str, number: str) -> list[Any]:
        seal = Seal(own, secret)
        return [
            seal.write(reply(number, 1)),
            seal.write(reply(number, [2], "b")),
            seal.write(reply("another", 3, "c")),
        ]

    broker = Broker(answer)
    guest = make(broker, secret)
    assert guest.ask("count", {"a": 1}, 1.0) == {"a": 1, "b": [2]}
    [(channel, text)] = broker.asked
    assert channel == f"{CHANNEL}/peers"
    message = Seal(channel, secret).read(text)
    assert (message["from"], message["kind"]) == (guest.id, "count")
    assert message["data"][1] == {"a": 1}


def test_other_messages_are_told(caplog: pytest.LogCaptureFixture) -> None:
    told: list[Any] = []

    def answer(own: str, number: str) -> list[Any]:
        bad: list[Any] = ["{", "5", "{}", b"\xff", json.dumps({"from": "a", "kind": 5})]
        good = [reply(number, 5, "x", "asked"), reply(number, 5, "x", "unknown")]
        return [
            *bad,
            *map(json.dumps, good),
            json.dumps({"from": "a", "kind": "answer"}),
        ]

    guest = make(Broker(answer))
    guest.on("asked", lambda sender, data: told.append((sender, data[1])))
    assert guest.ask("count", None, 1.0) == {}
    assert told == [("x", 5)]
    assert caplog.text.count("Skipped a message") == 5


def test_a_message_that_is_signed_by_another_is_no_answer() -> None:
    def answer(own: str, number: str) -> list[Any]:
        return [
            Seal(own, "wrong").write(reply(number, 1)),
            Seal(CHANNEL, "a secret").write(reply(number, 1)),
            Seal(own).write(reply(number, 1)),
        ]

    assert make(Broker(answer), "a secret").ask("count", None, 1.0) == {}


def test_a_backend_that_carries_no_answers_is_told() -> None:
    class OneWay:
        def __init__(self) -> None:
            self.published: list[str] = []

        def publish(self, channel: str, message: str) -> None:
            self.published.append(channel)

    backend = OneWay()
    guest = make(backend)
    assert not guest.is_answered
    assert guest.ask("command", {}, 1.0) == {}
    assert backend.published == [f"{CHANNEL}/peers"]
    assert make(Broker(lambda own, number: [])).is_answered
