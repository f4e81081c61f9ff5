"""The tests of the support queue: ``pytest examples/test_support.py``."""

import pytest

from examples.support import make_app
from tgext.socketio.testing import ConnectRefused, EventError, SocketIOTest


@pytest.fixture(scope="module")
def queue(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('support') / 'support.db'}"
    options = {"sqlalchemy.url": url, "tm.enabled": "true"}
    return make_app({}, **options, **{"sa_auth.cookie_secret": "not a secret"})


@pytest.fixture
def io(queue):
    with SocketIOTest(queue) as io:
        yield io


def agent(io, name):
    browser = io.browser()
    browser.post("/login_handler", {"login": name, "password": "sesame"})
    return io.connect("/desk", browser=browser)


def customer(io):
    joe = io.connect("/help")
    return joe, joe.emit("return", joe.emit("open", "Joe", "It is dark"))["number"]


def test_who_is_no_agent_is_not_let_in(io):
    with pytest.raises(ConnectRefused, match="must have been authenticated"):
        io.connect("/desk")


def test_agents_are_told_of_a_question(io):
    ada, (_, number) = agent(io, "ada"), customer(io)
    assert ada.expect("ticket")[0]["number"] == number


def test_one_agent_gets_a_ticket(io):
    ada, ben, (joe, number) = agent(io, "ada"), agent(io, "ben"), customer(io)
    assert ada.emit("claim", number) == ben.emit("claim", number) == "ada"
    assert joe.received("ticket") == [({"number": number, "agent": "ada"},)]


def test_another_agent_cannot_answer(io):
    ben, (joe, number) = agent(io, "ben"), customer(io)
    with pytest.raises(EventError, match="is not yours"):
        ben.emit("answer", number, "Hello")
    assert joe.received("ticket") == []


def test_a_customer_who_was_away_has_the_answer(io):
    ada, (joe, number) = agent(io, "ada"), customer(io)
    ada.emit("claim", number)
    joe.drop()
    ada.emit("answer", number, "Switch the light on")
    joe.reconnect()
    assert joe.received("ticket")[-1][0]["lines"][0]["text"] == "Switch the light on"


def test_agents_see_who_is_here(io):
    ada, ben = agent(io, "ada"), agent(io, "ben")
    assert ben.expect("presence_state")[0].keys() == {"ada", "ben"}
    ada.drop()
    io.advance(60)
    assert "ada" in ben.expect("presence_diff")[0]["leaves"]
