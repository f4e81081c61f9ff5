"""Changes of a browser's login reach the connections of other processes."""

from __future__ import annotations

import json
import logging
from typing import Any

import gevent
import pytest

from tests.engine.clients import wait_for
from tgext.socketio.messaging.cluster import Elsewhere
from tgext.socketio.messaging.logouts import KIND, digest_of, hear, tell
from tgext.socketio.messaging.peers import Peers
from tgext.socketio.request.browsers import BrowserCookies
from tgext.socketio.request.changes import Change

from .test_peers import Cluster, cluster

__all__ = ["cluster"]

SECRET = "known to all"
NAMES = ("ticket", "session")


class Connection:
    def __init__(self, header: str, user: str | None) -> None:
        self.ended = False
        self.environ = {"HTTP_COOKIE": header}
        self.cookies = BrowserCookies(self.environ, NAMES, user, self.end)

    def end(self) -> None:
        self.ended = True


def start(cluster: Cluster, secret: str = SECRET) -> tuple[Peers, Peers]:
    """Two processes, of which the second has the connections."""
    first, second = cluster.start(secret), cluster.start(secret)
    hear(second, secret)
    return first, second


LOGIN, SESSION, CONTENT = (
    (True, False, False),
    (False, True, True),
    (False, False, True),
)

#: The cookies and the user of a connection, the cookies of the page's request, what it
#: has changed, and whether the connection ends.
ROWS: list[tuple[str, str | None, dict[str, str], tuple[bool, bool, bool], bool]] = [
    ("ticket=a", "ada", {"ticket": "a"}, LOGIN, True),
    ("ticket=a; session=s", "ada", {"ticket": "a", "session": "t"}, LOGIN, True),
    ("ticket=a; session=s", "ada", {"ticket": "a", "session": "s"}, SESSION, True),
    ("ticket=a; session=s", "ada", {"ticket": "a", "session": "s"}, CONTENT, False),
    ("session=s", None, {"session": "s"}, LOGIN, True),
    ("session=s", None, {"session": "s"}, SESSION, True),
    ("session=s", None, {"session": "s"}, CONTENT, True),
    # Who planted the session does not have the ticket.
    ("ticket=a; session=s", "ada", {"session": "s"}, SESSION, False),
    ("ticket=a; session=s", "ada", {"ticket": "b", "session": "s"}, LOGIN, False),
    ("ticket=a", "ada", {"ticket": "b"}, LOGIN, False),
    ("session=s", None, {"session": "t"}, SESSION, False),
]


@pytest.mark.parametrize("secret", ["", SECRET])
@pytest.mark.parametrize(("header", "user", "had", "flags", "ends"), ROWS)
def test_connections_end_that_would_not_continue(
    cluster: Cluster,
    header: str,
    user: str | None,
    had: dict[str, str],
    flags: tuple[bool, bool, bool],
    ends: bool,
    secret: str,
) -> None:
    first, _ = start(cluster, secret)
    connection = Connection(header, user)
    tell(first, secret, Change(had, *flags))
    if ends:
        wait_for(lambda: connection.ended, "it has ended")
    gevent.sleep(0)
    assert connection.ended == ends
    assert connection.environ["HTTP_COOKIE"] == header  # nothing is adopted


def test_no_cookie_travels(cluster: Cluster) -> None:
    first, _ = start(cluster)
    tell(first, SECRET, Change({"ticket": "very-secret"}, *LOGIN))
    texts = [str(text) for _, text in cluster.broker.published]
    [told] = [text for text in texts if f'"{KIND}"' in text]
    assert "very-secret" not in told
    assert digest_of(SECRET, "ticket", "very-secret") in told
    assert digest_of("", "ticket", "very-secret") not in told


def test_who_does_not_know_the_secret_ends_nothing(cluster: Cluster) -> None:
    start(cluster)
    stranger = cluster.start("another")
    connection = Connection("ticket=a", "ada")
    tell(stranger, SECRET, Change({"ticket": "a"}, *LOGIN))
    gevent.sleep(0)
    assert not connection.ended


def test_a_connection_is_found_by_a_ticket_that_was_issued_anew(
    cluster: Cluster,
) -> None:
    first, _ = start(cluster)
    connection, other = Connection("ticket=a", "ada"), Connection("ticket=z", "zoe")
    went_on = (False, False, False)
    for old, new in ("ab", "bc", "cd"):
        tell(first, SECRET, Change({"ticket": old}, *went_on, {"ticket": new}))
    gevent.sleep(0)
    assert not connection.ended
    tell(first, SECRET, Change({"ticket": "d"}, *LOGIN))
    wait_for(lambda: connection.ended, "it has ended")
    assert not other.ended


D = "0" * 64
BAD: list[Any] = [
    None,
    [],
    {},
    {"had": [D]},
    {"had": D, "login": True, "session": True, "content": True, "renewed": []},
    {"had": [5], "login": True, "session": True, "content": True, "renewed": []},
    {"had": ["short"], "login": True, "session": True, "content": True, "renewed": []},
    {"had": [D] * 9, "login": True, "session": True, "content": True, "renewed": []},
    {"had": [D], "login": 1, "session": True, "content": True, "renewed": []},
    {"had": [D], "login": True, "session": None, "content": True, "renewed": []},
    {"had": [D], "login": True, "session": True, "content": True, "renewed": [D]},
    {"had": [D], "login": True, "session": True, "content": True, "renewed": [[D]]},
    {"had": [D], "login": True, "session": True, "content": True, "renewed": [[D, 5]]},
]


@pytest.mark.parametrize("data", BAD, ids=json.dumps)
def test_what_is_invalid_is_skipped_with_a_line(
    cluster: Cluster, data: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    first, second = start(cluster)
    connection = Connection("ticket=a", "ada")
    first.tell(KIND, data)
    gevent.sleep(0)
    [line] = caplog.messages
    assert KIND in line
    tell(first, SECRET, Change({"ticket": "a"}, *LOGIN))
    wait_for(lambda: connection.ended, "it has ended")
    assert second.id


def test_a_lost_broker_fails_no_page(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = start(cluster)
    cluster.broker.lost = True
    tell(first, SECRET, Change({"ticket": "a"}, *LOGIN))
    assert "Other processes were not told of a logout" in caplog.text


def test_a_process_that_has_no_client_yet_tells_too(cluster: Cluster) -> None:
    _, second = start(cluster)
    idle = cluster.make(SECRET)
    connection = Connection("ticket=a", "ada")
    tell(idle, SECRET, Change({"ticket": "a"}, *LOGIN))
    wait_for(lambda: connection.ended, "it has ended")
    assert idle.id not in second.alive


def test_changes_are_told_in_their_order(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the first has to wait for the broker."""
    first, _ = start(cluster)
    said: list[int] = []

    def slow(peers: Peers, secret: str, change: Change) -> None:
        if not said:
            gevent.sleep(0.01)
        said.append(int(change.had["ticket"]))

    application: Any = type("Application", (), {"config": {"socketio.cluster": "true"}})
    monkeypatch.setattr("tgext.socketio.messaging.cluster.applications", [application])
    monkeypatch.setattr("tgext.socketio.messaging.cluster.peers_of", lambda _: first)
    monkeypatch.setattr("tgext.socketio.messaging.logouts.tell", slow)
    elsewhere = Elsewhere()
    assert elsewhere.exists
    for number in range(5):
        elsewhere.tell(Change({"ticket": str(number)}, *LOGIN))
    wait_for(lambda: len(said) == 5, "all are told")
    assert said == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("value", ["false", None, "perhaps"])
def test_an_application_that_is_alone_tells_nobody(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    application: Any = type("Application", (), {"config": {"socketio.cluster": value}})
    monkeypatch.setattr("tgext.socketio.messaging.cluster.applications", [application])
    assert not Elsewhere().exists
