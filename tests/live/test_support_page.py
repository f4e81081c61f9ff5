"""The support queue of examples/, as its file says to start it, in a browser."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.ports import free_port

from . import browsers
from .serving import ROOT, Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

PHONE = {"width": 320, "height": 568}

#: Milliseconds within which the page has to show the result.
PATIENCE = 15_000


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """support.ini with another port; the database is beside it."""
    directory = tmp_path_factory.mktemp("support")
    port = free_port()
    text = (ROOT / "examples" / "support.ini").read_text()
    assert "port = 8080" in text
    ini = directory / "support.ini"
    ini.write_text(text.replace("port = 8080", f"port = {port}"))
    with Server(ini, directory / "log", port=port, importable=()) as server:
        yield server
        assert server.stop().code == 0


Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def visit(browser: Browser, node_clients: Path, example: Server) -> Iterator[Open]:
    """Opens windows, each of another user."""
    scripts = browsers.cdn(node_clients)
    api.expect.set_options(timeout=PATIENCE)
    with ExitStack() as windows:

        def come(path: str, **options: Any) -> Page:
            window = browsers.window(browser, example.url, scripts, **options)
            page = windows.enter_context(window)
            page.goto(path)
            return page

        yield come
    api.expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def ada(visit: Open) -> Page:
    """An agent at a desk, logged in."""
    page = visit("/desk")
    log_in(page, "ada")
    return page


@pytest.fixture(scope="module")
def ben(visit: Open) -> Page:
    """An agent with a phone, logged in."""
    page = visit("/desk", viewport=PHONE, color_scheme="dark")
    page.add_init_script(browsers.KEEP)
    log_in(page, "ben")
    return page


@pytest.fixture(scope="module")
def customers(visit: Open) -> Page:
    """A browser that belongs to one customer after the other."""
    page = visit("/", viewport=PHONE)
    page.add_init_script(browsers.KEEP)
    return page


@pytest.fixture
def eve(customers: Page) -> Page:
    customers.evaluate("localStorage.clear()")
    customers.reload()
    return customers


def log_in(page: Page, agent: str, password: str = "sesame") -> None:
    page.get_by_label("Name", exact=True).fill(agent)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def ask(page: Page, question: str, *agents: Page) -> None:
    """Open a ticket; the agents look at it."""
    page.get_by_label("Your name").fill("Eve")
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Ask").click()
    expect_state(page, "Waiting for an agent")
    for agent in agents:
        back = agent.locator("#back")
        if back.is_visible():
            back.click()
        tickets(agent, "Waiting").filter(has_text=question).click()


def say(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


def tickets(page: Page, title: str) -> Any:
    return page.get_by_role("list", name=title).get_by_role("button")


def expect_state(page: Page, text: str) -> None:
    api.expect(page.locator("#who")).to_contain_text(text)


def expect_lines(page: Page, *texts: str) -> None:
    api.expect(page.locator("#lines p")).to_have_text([*texts])


def expect_told(page: Page, text: str) -> None:
    """The page tells its user something, who confirms that."""
    told = page.locator("#told li").filter(has_text=text)
    told.get_by_role("button").click()
    api.expect(told).to_have_count(0)


def test_a_question_is_asked_claimed_answered_and_closed(ada: Page, eve: Page) -> None:
    ask(eve, "Where is <b>my</b> order?", ada)
    ada.click("#claim")
    expect_state(ada, "Yours")
    expect_state(eve, "ada answers")
    say(ada, "On its way")
    expect_lines(eve, "Where is <b>my</b> order?", "On its way")
    say(eve, "Thank you")
    expect_lines(ada, "Where is <b>my</b> order?", "On its way", "Thank you")
    eve.reload()
    expect_lines(eve, "Where is <b>my</b> order?", "On its way", "Thank you")
    ada.click("#close")
    expect_state(eve, "Closed")
    api.expect(tickets(ada, "Mine")).to_have_count(0)
    eve.click("#again")
    api.expect(eve.get_by_label("Your question")).to_be_visible()


def test_of_two_who_claim_at_once_one_gets_the_ticket(
    ada: Page, ben: Page, eve: Page
) -> None:
    ask(eve, "Are you there?", ada, ben)
    at = 1000 * time.time() + 500
    for page in (ada, ben):
        click = "document.getElementById('claim').click()"
        page.evaluate(f"setTimeout(() => {click}, {at} - Date.now())")
    expect_state(eve, "answers")
    first, name, other = (
        (ada, "ada", ben)
        if "ada" in (eve.locator("#who").text_content() or "")
        else (ben, "ben", ada)
    )
    expect_told(other, f"{name} was faster")
    expect_state(first, "Yours")
    expect_state(other, f"{name} answers")
    assert first.locator("#told li").count() == 0


def test_what_is_rolled_back_is_not_announced(
    ada: Page, ben: Page, eve: Page, example: Server
) -> None:
    ask(eve, "Can you see me?", ada, ben)
    ada.click("#claim")
    expect_state(ben, "ada answers")
    with closing(sqlite3.connect(example.ini.with_name("support.db"))) as database:
        # The row is written when the transaction commits.
        database.execute(
            "CREATE TRIGGER no BEFORE UPDATE OF closed ON tickets "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        ada.click("#close")
        expect_told(ada, "server error")
        database.execute("DROP TRIGGER no")
    # What is said later arrives later.
    say(eve, "Hello?")
    for page in (ada, ben):
        expect_lines(page, "Can you see me?", "Hello?")
        expect_state(page, "Yours" if page is ada else "ada answers")
    ada.click("#close")
    for page in (ben, eve):
        expect_state(page, "Closed")


def test_who_did_not_claim_a_ticket_does_not_answer_it(ada: Page, eve: Page) -> None:
    ask(eve, "May I?", ada)
    ada.evaluate("document.getElementById('say').hidden = false")
    say(ada, "Yes!")
    expect_told(ada, "not yours")
    expect_lines(ada, "May I?")


def test_the_queue_is_for_agents(eve: Page) -> None:
    eve.goto("/desk")
    log_in(eve, "ada", "wrong")
    alert = eve.get_by_role("alert")
    api.expect(alert).to_have_text("The name or the password is wrong.")
    log_in(eve, "nobody")
    api.expect(alert).to_be_visible()
    log_in(eve, "cleo")
    api.expect(eve.get_by_role("navigation", name="Queue")).to_be_visible()
    eve.wait_for_function(browsers.CARRIES)
    cookies = eve.context.cookies()
    eve.context.clear_cookies()
    eve.evaluate("opened.forEach((each) => each.close())")
    refused = "refused: The current user must have been authenticated"
    api.expect(eve.locator("#state")).to_have_text(refused)
    eve.context.add_cookies(cookies)
    eve.click("#out")
    api.expect(eve.get_by_label("Password")).to_be_visible()
    eve.goto("/")
    assert eve.evaluate(CONNECT) == "The current user must have been authenticated"


#: Connect to the agents' namespace, and tell what comes of it.
CONNECT = """() => new Promise((resolve) => {
    const socket = io('/desk', {path: '/socketio/', forceNew: true});
    socket.on('connect_error', (error) => resolve(error.message));
    socket.on('connect', () => resolve('connected'));
})"""


def test_agents_see_who_is_here_and_write_to_each_other(
    ada: Page, ben: Page, eve: Page
) -> None:
    back = ben.locator("#back")
    if back.is_visible():
        back.click()
    here = ben.get_by_role("list", name="Here now").get_by_role("button")
    api.expect(here).to_have_text(["ada"])
    here.click()
    ben.get_by_role("textbox", name="Message to ada").fill("Can you take over?")
    ben.keyboard.press("Enter")
    expect_told(ada, "ben: Can you take over?")
    assert ben.locator("#told li").count() == 0
    eve.reload()
    api.expect(eve.locator("#ask")).to_contain_text(re.compile("help: .*ada, ben"))


def test_without_the_cdn_nothing_is_asked(browser: Browser, example: Server) -> None:
    with browsers.without_cdn(browser, example.url) as page:
        page.goto("/")
        browsers.expect_missing(page, "examples/support.ini client_directory=client")
        page.evaluate("document.getElementById('ask').hidden = false")
        page.get_by_role("button", name="Ask").click(force=True)
        assert page.url == f"{example.url}/"


def test_it_fits_a_phone_and_needs_no_mouse(ben: Page, eve: Page) -> None:
    question = "Why " + "o" * 60
    ask(eve, question, ben)
    api.expect(ben.locator("#who")).to_be_focused()
    ben.keyboard.press("Tab")
    ben.keyboard.press("Enter")
    expect_state(ben, "Yours")
    for number in range(8):
        say(ben, f"{number} " + "a word " * 20)
    with browsers.away(ben):
        say(ben, "typed while away")
        api.expect(ben.locator("#text")).to_have_value("typed while away")
        api.expect(ben.locator("#close")).to_be_disabled()
    ben.press("#text", "Enter")
    for page in (ben, eve):
        api.expect(page.locator("#lines p")).to_have_count(10)
        api.expect(page.locator("#lines p").last).to_be_in_viewport()
        api.expect(page.locator("#say button")).to_be_in_viewport()
        for side, limit in (("Width", PHONE["width"]), ("Height", PHONE["height"])):
            assert page.evaluate(f"document.documentElement.scroll{side}") <= limit
    ben.locator("#back").focus()
    ben.keyboard.press("Enter")
    api.expect(tickets(ben, "Mine").filter(has_text="away")).to_be_focused()
