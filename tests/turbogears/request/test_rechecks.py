"""Clients that only listen are asked again whether they may."""

from __future__ import annotations

import time

import gevent
import pytest

from tests.engine.clients import wait_for
from tgext.socketio.options import read_option
from tgext.socketio.request.application import Application
from tgext.socketio.request.rechecks import IN_A_ROW, MOST_FAILURES, Rechecks

from .opening import configuration

#: Seconds; a client is asked again soon, or not within the test.
SOON, LATER = 0.02, 1000.0


class Client:
    """A client that counts how often it is asked."""

    def __init__(self) -> None:
        self.ended = False
        self.asked = time.monotonic()
        self.times = 0

    def ask_again(self) -> bool:
        self.asked = time.monotonic()
        self.times += 1
        return True

    def give_up(self, times: int) -> None:
        self.ended = True


class Failing(Client):
    """A client that cannot be asked."""

    def ask_again(self) -> bool:
        self.times += 1
        return False


def test_each_client_is_asked_again_and_again() -> None:
    rechecks, clients = Rechecks(SOON), [Client() for _ in range(3)]
    for client in clients:
        rechecks.add(client)
    wait_for(lambda: min(each.times for each in clients) >= 3, "all are asked")


def test_who_was_asked_lately_is_not_asked() -> None:
    rechecks, idle, busy = Rechecks(SOON), Client(), Client()
    busy.asked += LATER
    rechecks.add(busy)
    rechecks.add(idle)
    wait_for(lambda: idle.times >= 3, "one is asked")
    assert busy.times == 0


def test_who_has_ended_is_not_asked() -> None:
    rechecks, client, gone = Rechecks(SOON), Client(), Client()
    gone.ended = True
    rechecks.add(gone)
    rechecks.add(client)
    wait_for(lambda: client.times >= 3, "one is asked")
    assert gone.times == 0


def test_with_0_nobody_is_asked() -> None:
    rechecks, other, client = Rechecks(0), Rechecks(SOON), Client()
    never = Client()
    rechecks.add(never)
    other.add(client)
    wait_for(lambda: client.times >= 3, "another is asked")
    assert never.times == 0


def test_a_client_that_waits_is_not_asked_twice_at_a_time() -> None:
    class Slow(Client):
        running = most = 0

        def ask_again(self) -> bool:
            self.running += 1
            self.most = max(self.most, self.running)
            gevent.sleep(2 * SOON)
            self.running -= 1
            return super().ask_again()

    rechecks, slow = Rechecks(SOON), Slow()
    rechecks.add(slow)
    wait_for(lambda: slow.times >= 3, "it is asked")
    assert slow.most == 1
    slow.ended = True
    wait_for(lambda: not slow.running, "the last time is over")


def test_others_run_between_two_clients() -> None:
    """Also where asking does not wait, because a driver blocks."""
    seen: list[str] = []

    class Blocking(Client):
        def ask_again(self) -> bool:
            seen.append("asked")
            gevent.spawn(seen.append, "another")
            return super().ask_again()

    rechecks, clients = Rechecks(SOON), [Blocking() for _ in range(3)]
    for client in clients:
        rechecks.add(client)
    wait_for(lambda: seen.count("another") >= 6, "two rounds")
    assert seen[:6] == ["asked", "another"] * 3


def test_after_some_failures_the_others_have_time() -> None:
    """Each would fail while there is no database, and fill the log."""
    rounds: list[object] = []

    class Noted(Failing):
        def ask_again(self) -> bool:
            rounds.append(gevent.getcurrent())
            return super().ask_again()

    rechecks, clients = Rechecks(SOON), [Noted() for _ in range(3 * IN_A_ROW)]
    for client in clients:
        rechecks.add(client)
    wait_for(lambda: min(each.times for each in clients) >= 2, "all are asked")
    assert max(map(rounds.count, rounds)) <= IN_A_ROW
    assert not any(each.ended for each in clients)


def test_who_cannot_be_asked_keeps_nobody_from_being_asked() -> None:
    """The one that was not asked for the longest time is the first."""
    order: list[Client] = []

    class Noted(Failing):
        def ask_again(self) -> bool:
            order.append(self)
            return super().ask_again()

    rechecks, failing = Rechecks(SOON), [Noted() for _ in range(4 * IN_A_ROW)]
    others = [Client() for _ in range(4)]
    for client in (*failing, *others):
        rechecks.add(client)
    wait_for(lambda: min(each.times for each in others) >= 3, "the others are asked")
    assert order[: len(failing)] == failing


def test_who_cannot_be_asked_while_others_can_is_disconnected() -> None:
    rechecks, failing, other = Rechecks(SOON), Failing(), Client()
    for client in (failing, other):
        rechecks.add(client)
    wait_for(lambda: failing.ended, "it is disconnected")
    assert failing.times >= MOST_FAILURES
    assert not other.ended


def test_failures_that_are_not_in_a_row_disconnect_nobody() -> None:
    class Sometimes(Client):
        def ask_again(self) -> bool:
            if self.times % MOST_FAILURES == 0:
                return super().ask_again()
            self.times += 1
            return False

    rechecks, sometimes, other = Rechecks(SOON), Sometimes(), Client()
    for client in (sometimes, other):
        rechecks.add(client)
    wait_for(lambda: sometimes.times >= 4 * MOST_FAILURES, "it is asked often")
    assert not sometimes.ended


def test_clients_whose_events_succeed_are_others_too() -> None:
    """They are not asked again: the next event is too soon."""
    rechecks, failing, busy = Rechecks(SOON), Failing(), Client()
    for client in (failing, busy):
        rechecks.add(client)

    def handle_an_event() -> bool:
        busy.asked = time.monotonic() + LATER
        return failing.ended

    wait_for(handle_an_event, "it is disconnected")
    assert busy.times == 0


@pytest.mark.parametrize("value", ["soon", "-1", "nan", [1]])
def test_an_invalid_option_is_named(value: object) -> None:
    config = configuration(**{"socketio.recheck_interval": value})
    with pytest.raises(ValueError, match=r"socketio.recheck_interval: .* is not a"):
        Application(config)


def test_the_default_is_documented() -> None:
    assert read_option({}, "socketio.recheck_interval") == 30
