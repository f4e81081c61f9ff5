"""The parts of TurboGears that protect and serve pages do the same for events.

The full-stack application has a database, a login, transactions, sessions and
languages. With ``TGEXT_SOCKETIO_DATABASE=postgresql`` it uses PostgreSQL, otherwise
SQLite.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

import gevent
import pytest

from tests.engine import clients

from .fullstack import Browser, Site

DENIED = ["error", "method_access_denied"]


def test_who_is_anonymous_is_refused_and_a_manager_is_not(site: Site) -> None:
    nobody = Browser(site).connect()
    nobody.emit("/notes", "manage")
    assert nobody.event("/notes")[:2] == DENIED
    ada = Browser(site).log_in("ada").connect()
    assert ada.call("/notes", "manage") == ["managed"]


def test_a_permission_that_was_taken_away_is_gone_for_the_next_event(
    site: Site,
) -> None:
    ada = Browser(site).log_in("ada").connect()
    assert ada.call("/notes", "manage") == ["managed"]
    site.execute("DELETE FROM grants")
    ada.emit("/notes", "manage")
    denial = 'You do not have access to method "on_manage"'
    assert ada.event("/notes") == [*DENIED, denial]


def expect_to_come_back(client: clients.WebSocket5) -> None:
    """Expect an end after which Socket.IO clients reconnect by themselves."""
    assert client.receive() == "1"
    client.websocket.receive_close()


def test_who_logs_out_in_another_tab_is_nobody_here(site: Site) -> None:
    browser = Browser(site).log_in("ada")
    ada, bob = browser.connect(), Browser(site).log_in("bob").connect()
    assert ada.call("/notes", "who") == ["ada"]
    browser.log_out()
    expect_to_come_back(ada)
    ada = browser.connect()
    assert ada.call("/notes", "who") == [None]
    ada.emit("/notes", "manage")
    assert ada.event("/notes")[:2] == DENIED
    assert bob.call("/notes", "who") == ["bob"]


def test_whom_allow_only_names_no_longer_has_to_go(site: Site) -> None:
    browser = Browser(site).log_in("bob")
    bob = browser.connect("/members")
    assert bob.call("/members", "who") == ["bob"]
    browser.log_out()
    expect_to_come_back(bob)
    nobody = browser.connect()
    nobody.send(nobody.dialect.connect("/members"))
    assert nobody.read()["type"] == "refused"


def test_a_session_that_was_planted_in_a_browser_opens_nothing(site: Site) -> None:
    attacker, victim = Browser(site), Browser(site)
    attacker.ask("/remember", name="colour", value="red")
    victim.cookies = {**attacker.cookies}
    hers, another = attacker.connect(), Browser(site).log_in("bob").connect()
    assert hers.call("/notes", "recall", "colour") == ["red"]
    victim.log_in("ada")
    expect_to_come_back(hers)
    again = attacker.connect()
    assert again.call("/notes", "who") == [None]
    victim.visit("/login")
    assert again.call("/notes", "who", number=2) == [None]
    assert victim.connect().call("/notes", "who") == ["ada"]
    assert another.call("/notes", "who") == ["bob"]


def test_whom_the_controller_lets_in_no_longer_has_to_go(site: Site) -> None:
    browser = Browser(site).log_in("bob")
    bob = browser.connect()
    assert bob.call("/notes", "who") == ["bob"]
    site.execute("INSERT INTO members VALUES ('bob', 'banned')")
    bob.emit("/notes", "who")
    assert bob.event("/notes") == [*DENIED, "You are banned"]
    assert bob.read()["type"] == "disconnect"
    bob.websocket.receive_close()
    # Clients get neither a login form nor an error page.
    target = "/socketio/?EIO=4&transport=polling"
    assert browser.visit(target).status == 403


# Transactions


@pytest.fixture
def bob(site: Site) -> clients.WebSocket5:
    return Browser(site).log_in("bob").connect()


def answers(client: clients.Client, event: str, *args: Any) -> list[Any]:
    """The events before the ack, and the ack."""
    client.emit("/notes", event, *args, number=7)
    events = []
    while (packet := client.read())["type"] != "ack":
        events.append([packet["name"], *packet["args"]])
    return [*events, packet["args"]]


def test_what_an_event_writes_is_committed(site: Site, bob: clients.Client) -> None:
    assert bob.call("/notes", "write", "a") == [None]
    assert site.notes() == [("bob", "a")]


def test_an_ack_may_be_an_object_of_the_database(
    site: Site, bob: clients.Client
) -> None:
    bob.call("/notes", "write", "a")
    [note] = bob.call("/notes", "read")
    assert (note["author"], note["text"]) == ("bob", "a")
    assert site.usage()["used"] == 0


def test_what_an_event_that_fails_writes_is_not(
    site: Site, bob: clients.Client
) -> None:
    bob.emit("/notes", "write_and_fail", "a")
    assert bob.event("/notes") == ["at once", "a"]
    assert bob.event("/notes")[:2] == ["error", "internal_error"]
    assert site.notes() == []
    # The next event has a new transaction.
    assert answers(bob, "write", "b") == [[None]]
    assert site.notes() == [("bob", "b")]


def test_what_a_doomed_event_writes_is_not(site: Site, bob: clients.Client) -> None:
    assert answers(bob, "write_and_doom", "a") == [["at once", "a"], [None]]
    assert site.notes() == []


def test_an_error_that_may_pass_is_tried_again(site: Site, bob: clients.Client) -> None:
    at_once = [["at once", "a"]] * 3
    assert answers(bob, "write_at_last", "a") == [*at_once, ["on commit", "a"], [3]]
    assert site.notes() == [("bob", "a")]


def test_an_event_leaves_at_once_or_when_all_is_committed(
    site: Site, bob: clients.Client
) -> None:
    bob.emit("/notes", "write_and_wait", "a")
    assert bob.event("/notes") == ["at once", "a"]
    assert site.notes() == []
    Browser(site).ask("/go_on")
    assert bob.event("/notes") == ["on commit", "a"]
    assert site.notes() == [("bob", "a")]


# Crowds

CONNECTIONS = 200
EVENTS = 20
USERS = [f"user{number}" for number in range(20)]

#: Seconds that a client may wait: SQLAlchemy's pool does not serve in order.
CROWD_DEADLINE = 120.0


@pytest.fixture
def crowd(site: Site) -> list[tuple[str, clients.WebSocket5]]:
    """Connections, and their users."""
    browsers = {user: Browser(site).log_in(user) for user in USERS}
    users = itertools.islice(itertools.cycle(USERS), CONNECTIONS)
    return [(user, browsers[user].connect()) for user in users]


def test_a_crowd_writes_what_each_wrote_and_keeps_no_connection_to_the_database(
    site: Site, crowd: list[tuple[str, clients.WebSocket5]]
) -> None:
    idle = {"clients": CONNECTIONS, "pool": 5, "used": 0}
    assert site.usage() == idle

    def write(client: clients.WebSocket5, number: int) -> None:
        client.websocket.sock.settimeout(CROWD_DEADLINE)
        for turn in range(EVENTS):
            client.call("/notes", "write_slowly", f"{number}.{turn}", number=turn)

    writers = [
        gevent.spawn(write, client, number) for number, (_, client) in enumerate(crowd)
    ]
    for writer in writers:
        writer.get()
    expected = [
        (user, f"{number}.{turn}")
        for number, (user, _) in enumerate(crowd)
        for turn in range(EVENTS)
    ]
    assert sorted(site.notes()) == sorted(expected)
    assert site.usage() == idle


def test_the_request_that_opened_the_connection_has_ended(site: Site) -> None:
    browser = Browser(site).log_in("bob")
    browser.ask("/remember", name="colour", value="red")
    bob = browser.connect()
    # Its transaction is committed, before the connection has had any event.
    assert site.select("SELECT user_name FROM visits") == [("bob",)]
    assert site.usage()["used"] == 0
    # The session is not locked: pages of the same browser can write it.
    browser.ask("/remember", name="colour", value="blue")
    assert bob.call("/notes", "recall", "colour") == ["blue"]


def test_a_job_gives_its_connection_to_the_database_back(site: Site) -> None:
    client = Browser(site).connect()
    client.emit("/notes", "count_in_a_job")
    assert client.event("/notes") == ["counted", 0]
    clients.wait_for(lambda: site.usage()["used"] == 0, "the end of the job")


# Languages and templates

MESSAGES = {
    "en": "Must be a number",
    "de": "Muss eine Zahl sein",
    "it": "Deve essere un numero",
}


def complaint(client: clients.Client) -> str:
    client.emit("/notes", "age", "old")
    name, error, info = client.event("/notes")
    assert (name, error) == ("error", "invalid_method_args")
    message: str = info["age"]
    return message


@pytest.mark.parametrize("language", MESSAGES)
def test_validation_speaks_the_browser_s_language(site: Site, language: str) -> None:
    client = Browser(site, languages=f"{language},fr;q=0.5").connect()
    assert complaint(client) == MESSAGES[language]
    assert client.call("/notes", "age", "42") == [42]


def test_validation_speaks_the_language_that_was_chosen(site: Site) -> None:
    browser = Browser(site, languages="de")
    browser.ask("/speak", language="it")
    client = browser.connect()
    assert complaint(client) == MESSAGES["it"]
    browser.ask("/speak", language="de")
    assert complaint(client) == MESSAGES["de"]


def test_an_event_renders_a_template(site: Site) -> None:
    client = Browser(site, languages="de").log_in("bob").connect()
    [html] = client.call("/notes", "render", "1 < 2")
    assert html == '<p class="note">Geschrieben von bob: 1 &lt; 2</p>'


JOBS = ["job", "part"]


@pytest.mark.parametrize(
    ("event", "template", "text"),
    [
        ("part", "note", '<p class="note">Geschrieben von bob: 1 &lt; 2</p>'),
        ("part", "hint", "<p>1 &lt; 2: Muss eine Zahl sein</p>"),
        ("job", "hint", "<p>1 &lt; 2: Muss eine Zahl sein</p>"),
    ],
)
def test_a_job_renders_a_template(
    site: Site, event: str, template: str, text: str
) -> None:
    """The note has the name of the user, whom an event alone knows."""
    client = Browser(site, languages="de").log_in("bob").connect()
    client.emit("/notes", event, "on_render", "1 < 2", template)
    assert client.event("/notes") == ["done", text]


@pytest.mark.parametrize("event", JOBS)
def test_a_job_speaks_the_browser_s_language(site: Site, event: str) -> None:
    client = Browser(site, languages="it").connect()
    client.emit("/notes", event, "look", "a text")
    expected = ["/notes", MESSAGES["it"], "made of a text"]
    assert client.event("/notes") == ["done", expected]


def test_a_job_reads_the_session_as_an_event(site: Site) -> None:
    browser = Browser(site)
    browser.ask("/remember", name="colour", value="red")
    client = browser.connect()
    client.emit("/notes", "part", "on_recall", "colour")
    assert client.event("/notes") == ["done", "red"]


def test_a_job_writes_and_tells_as_an_event(site: Site) -> None:
    client = Browser(site).log_in("bob").connect()
    client.emit("/notes", "part", "on_write_at_last", "hello")
    events = [client.event("/notes") for _ in range(5)]
    told = [["at once", "hello"]] * 3
    assert events == [*told, ["on commit", "hello"], ["done", 3]]
    client.emit("/notes", "part", "on_write_and_fail", "lost")
    assert client.event("/notes") == ["at once", "lost"]
    assert client.call("/notes", "count") == [1]
    assert site.usage()["used"] == 0


# Sessions and caches


def test_a_session_is_that_of_the_pages(site: Site) -> None:
    browser = Browser(site)
    browser.ask("/remember", name="colour", value="red")
    client = browser.connect()
    assert client.call("/notes", "recall", "colour") == ["red"]
    browser.ask("/remember", name="colour", value="blue")
    assert client.call("/notes", "recall", "colour") == ["blue"]
    client.call("/notes", "remember", "colour", "green")
    assert browser.ask("/recall", name="colour") == {"value": "green"}
    assert Browser(site).ask("/recall", name="colour") == {"value": None}


@pytest.mark.parametrize(
    ("page", "parameters", "left"),
    [
        ("/remember", {"name": "colour", "value": "blue"}, "blue"),
        ("/forget", {}, None),
    ],
)
def test_what_a_page_does_to_the_session_outlives_an_event_that_takes_long(
    site: Site, page: str, parameters: dict[str, str], left: str | None
) -> None:
    # TurboGears reads the session for each event, since it looks for the language
    # there.
    browser = Browser(site).log_in("bob")
    browser.ask("/remember", name="colour", value="red")
    stolen = Browser(site)
    stolen.cookies = {**browser.cookies}
    bob = browser.connect()
    bob.emit("/notes", "write_and_wait", "a", number=1)
    assert bob.event("/notes") == ["at once", "a"]
    browser.ask(page, **parameters)
    Browser(site).ask("/go_on")
    assert bob.event("/notes") == ["on commit", "a"]
    assert bob.read()["type"] == "ack"
    assert stolen.ask("/recall", name="colour") == {"value": left}


def test_the_connection_has_a_session_of_its_own(site: Site) -> None:
    browser = Browser(site)
    browser.ask("/remember", name="colour", value="red")
    client, other = browser.connect(), browser.connect()
    [own] = client.call("/notes", "remember_here", "size", 42)
    assert "colour" not in own
    assert own["size"] == 42
    assert client.call("/notes", "recall", "size") == [None]
    assert browser.ask("/recall", name="size") == {"value": None}
    [others] = other.call("/notes", "remember_here", "a", 1)
    assert "size" not in others


def test_the_cache_is_that_of_the_pages(site: Site) -> None:
    client = Browser(site).connect()
    assert client.call("/notes", "cached", "an event's") == ["an event's"]
    assert Browser(site).ask("/cached", content="a page's") == {"value": "an event's"}


# Pages and jobs that send events


def test_a_page_sends_an_event_to_all(site: Site) -> None:
    first, second = Browser(site).connect(), Browser(site).connect()
    Browser(site).ask("/announce", content="lunch")
    assert first.event("/notes") == ["announced", "lunch"]
    assert second.event("/notes") == ["announced", "lunch"]


def test_a_page_sends_an_event_to_a_room(site: Site) -> None:
    inside, outside = Browser(site).connect(), Browser(site).connect()
    inside.call("/notes", "enter", "kitchen")
    Browser(site).ask("/announce", content="lunch", room="kitchen")
    Browser(site).ask("/announce", content="work")
    assert inside.event("/notes") == ["announced", "lunch"]
    assert inside.event("/notes") == ["announced", "work"]
    assert outside.event("/notes") == ["announced", "work"]


def test_a_job_sends_an_event(site: Site) -> None:
    client = Browser(site).connect()
    Browser(site).ask("/announce_later", content="lunch")
    assert client.event("/notes") == ["announced", "lunch"]


# Hooks, wrappers, failures


def test_hooks_and_wrappers_of_the_application_see_events(site: Site) -> None:
    client = Browser(site).connect()
    assert client.call("/notes", "observed", "an event") == ["an event"]
    observed = Browser(site).ask("/observed")["observed"]
    where = [place for place, noted in observed if noted == "an event"]
    assert where == ["before_validate", "before_call", "wrapper"]


def test_a_failure_is_logged_and_reported(site: Site) -> None:
    bob = Browser(site).log_in("bob").connect()
    before = len(site.server.errors)
    bob.emit("/notes", "write_and_fail", "a")
    assert bob.event("/notes")[0] == "at once"
    assert bob.event("/notes")[1] == "internal_error"
    log = site.server.errors[before:]
    assert log.count("RuntimeError: the password is swordfish") == 1
    said = re.search(
        r"Event 'write_and_fail' of namespace /notes failed "
        r"\(user bob, session ([0-9a-f]{8})\)\nTraceback",
        log,
    )
    assert said is not None, log
    assert said[1] not in bob.sid
    assert bob.sid not in site.server.output
    exception, user = Browser(site).ask("/observed")["reports"][-1]
    assert exception.strip() == "RuntimeError: the password is swordfish"
    assert user == "bob"
