"""The support queue of docs/tutorial.rst, as its steps make it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine import clients
from tests.engine.clients import Client, WebSocket5
from tests.pages import block
from tests.ports import free_port

from .quickstart import Browser, run
from .serving import Server

PAGE = "docs/tutorial.rst"

#: A text of each block, and the file that it goes to, in the order of the page.
STEPS = {
    "class Agents(": "model.py",
    "def make_app(": "app.py",
    "paste.app_factory": "development.ini",
    "def on_ask(": "live.py",
    "def on_claim(": "live.py",
    "<!DOCTYPE html>": "page.html",
    "def test_strangers": "test_desk.py",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the tutorial, at its end."""
    home = tmp_path_factory.mktemp("desk")
    for content, name in STEPS.items():
        with (home / name).open("a") as file:
            file.write(block(PAGE, content) + "\n\n")
    # *Who was away*
    live = home / "live.py"
    before, line = block(PAGE, "recovery = True").splitlines()
    text = live.read_text()
    assert text.count(before) == 1
    live.write_text(text.replace(before, f"{before}\n{line}"))
    return home


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    port = free_port()
    ini = home / "development.ini"
    ini.write_text(ini.read_text().replace("port = 8080", f"port = {port}"))
    with Server(ini, home / "log", port=port, cwd=home, importable=(home,)) as server:
        yield server
        assert "Traceback" not in server.errors


Enter = Callable[..., Client]


@pytest.fixture
def enter(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Enter]:
    """Connects to a namespace, as an agent whose name is given."""
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")
    opened: list[Client] = []

    def enter(endpoint: str, agent: str | None = None) -> Client:
        browser = Browser(server.url)
        if agent is not None:
            browser.visit("/login_handler", login=agent, password="sesame")
        client = WebSocket5(server.port, headers={"Cookie": browser.cookies})
        opened.append(client)
        client.join(endpoint)
        return client

    yield enter
    for client in opened:
        client.close()


def tickets(client: Client, endpoint: str) -> list[Any]:
    """What is told next, without the positions of a client that can recover."""
    name, ticket, *_ = client.event(endpoint)
    assert name == "ticket"
    return [ticket["agent"], ticket["answer"]]


def test_a_question_is_answered(enter: Enter) -> None:
    ada, ben = enter("/desk", "ada"), enter("/desk", "ben")
    for agent in (ada, ben):
        assert agent.event("/desk")[0] == "presence_state"
    customer = enter("/help")
    customer.emit("/help", "ask", "Why?", number=1)
    assert tickets(customer, "/help") == [None, None]
    [number] = customer.read()["args"]
    [queue] = ask(ada, "queue")
    assert queue[-1] == {
        "number": number,
        "question": "Why?",
        "agent": None,
        "answer": None,
    }
    assert ask(ada, "claim", number) == [None]
    [refused] = ask(ben, "claim", number)
    assert refused["error"] == {"name": "409", "info": "Somebody else has it"}
    [refused] = ask(ben, "answer", number, "No.")
    assert refused["error"]["info"] == "This ticket is not yours"
    assert ask(ada, "answer", number, "Because.") == [None]
    assert tickets(customer, "/help") == ["ada", None]
    assert tickets(customer, "/help") == ["ada", "Because."]


def ask(agent: Client, *event: Any) -> list[Any]:
    """The ack of an event; what is told meanwhile is dropped."""
    agent.emit("/desk", *event, number=7)
    while (packet := agent.read())["type"] != "ack":
        pass
    arguments: list[Any] = packet["args"]
    return arguments


def test_a_question_that_is_too_long_is_refused(enter: Enter) -> None:
    customer = enter("/help")
    customer.emit("/help", "ask", "?" * 2001)
    message = {"question": "Between 1 and 2000 characters"}
    assert customer.event("/help")[:3] == ["error", "invalid_method_args", message]


def test_notes_reach_who_comes_later(enter: Enter) -> None:
    ada = enter("/desk", "ada")
    assert ask(ada, "subscribe", "notes") == ["notes"]
    ask(ada, "note", "lunch at one")
    ben = enter("/desk", "ben")
    ben.emit("/desk", "subscribe", "notes")
    while (event := ben.event("/desk"))[0] != "pubblication":
        pass
    assert event[1] == {"by": "ada", "text": "lunch at one"}


def test_who_did_not_log_in_stays_outside(server: Server, enter: Enter) -> None:
    client = enter("/help")
    client.send("40/desk,")
    refused = client.read()
    assert refused["type"] == "refused"
    assert refused["data"]["message"] == "Log in first"
    assert 'name="password"' in Browser(server.url).visit("/desk")


def test_the_tests_of_the_tutorial_pass(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other plugins take longer than the tests.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugin = "tgext.socketio.testing.plugin"
    command = [sys.executable, "-m", "pytest", "-q", "-p", plugin, "test_desk.py"]
    assert "6 passed" in run(command, cwd=home).stdout
