"""What the chat of examples/ remembers, who is here, and who was away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from . import browsers
from .chats import Open, chatting, entering, said, say

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

PHONE = {"width": 320, "height": 568}

#: Milliseconds within which the page has to show the result.
PATIENCE = 15_000


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with chatting() as url:
        yield url


@pytest.fixture(scope="module")
def enter(browser: Browser, node_clients: Path) -> Iterator[Open]:
    """Opens windows of users who have entered a room."""
    api.expect.set_options(timeout=PATIENCE)
    with entering(browser, browsers.cdn(node_clients)) as enter:
        yield enter
    api.expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def ada(url: str, enter: Open) -> Page:
    """A user with a phone."""
    page: Page = enter(url, "Ada", viewport=PHONE, color_scheme="dark")
    page.add_init_script(browsers.KEEP)
    page.reload()
    page.press("#name", "Enter")
    return page


@pytest.fixture(scope="module")
def ben(url: str, enter: Open) -> Page:
    return enter(url, "Ben")


def go(room: str, *pages: Page) -> None:
    for page in pages:
        page.evaluate(f"location.hash = '{room}'")
        entered = page.locator(".notice").filter(has_text=f"You are in #{room}")
        api.expect(entered).to_have_count(1)


def expect_people(page: Page, *names: str) -> None:
    api.expect(page.locator("#people li span:last-child")).to_have_text([*names])
    api.expect(page.locator("#count")).to_have_text(f"{len(names)} here")


def expect_fits(page: Page) -> None:
    for side in ("width", "height"):
        has = f"document.documentElement.scroll{side.capitalize()}"
        assert page.evaluate(has) <= PHONE[side]


def test_who_is_here_is_seen_and_said(
    ada: Page, ben: Page, url: str, enter: Open
) -> None:
    go("tea", ada)
    expect_people(ada, "Ada (you)")  # else Ben may be in the first state that she gets
    go("tea", ben)
    expect_people(ada, "Ada (you)", "Ben")
    expect_people(ben, "Ada", "Ben (you)")
    api.expect(ada.locator(".notice").last).to_have_text("Ben came in")
    ada.locator("summary").focus()
    ada.keyboard.press("Enter")
    api.expect(ada.locator("#people")).to_be_in_viewport()
    expect_fits(ada)
    ada.keyboard.press("Escape")
    api.expect(ada.locator("#people")).to_be_hidden()
    # A second tab of the same browser is the same person, and going on is no leave.
    tab = enter(url, "Ben", "tea", storage_state=ben.context.storage_state())
    expect_people(tab, "Ada", "Ben (you)")
    tab.close()
    go("elsewhere", ben)
    api.expect(ada.locator(".notice").last).to_have_text("Ben left")
    expect_people(ada, "Ada (you)")


def test_who_comes_later_reads_what_was_said(ada: Page, ben: Page) -> None:
    go("book", ada)
    for text in ("first", "second"):
        say(ada, text)
    api.expect(said(ada)).to_have_text(["first", "second"])
    go("book", ben)
    api.expect(said(ben)).to_have_text(["first", "second"])
    assert ben.locator(".mine").count() == 0
    ada.reload()
    ada.press("#name", "Enter")
    api.expect(ada.locator(".mine .text")).to_have_text(["first", "second"])


def test_who_was_away_gets_what_was_missed(ada: Page, ben: Page) -> None:
    go("train", ada, ben)
    say(ben, "in the tunnel")
    api.expect(said(ada)).to_have_text(["in the tunnel"])
    line = said(ada).first.element_handle()
    with browsers.away(ada):
        expect_fits(ada)
        for number in range(3):
            say(ben, f"still there? {number}")
        api.expect(said(ben)).to_have_count(4)
        assert said(ada).count() == 1
        say(ada, "yes")
        api.expect(ada.locator("#text")).to_have_value("yes")
        api.expect(ada.locator("#send")).to_be_disabled()
    missed = [f"still there? {number}" for number in range(3)]
    api.expect(said(ada)).to_have_text(["in the tunnel", *missed])
    # The page was not filled anew, and nobody left.
    assert line.is_visible()
    assert ben.locator(".notice").filter(has_text="left").count() == 0
    ada.press("#text", "Enter")
    api.expect(said(ben).last).to_have_text("yes")
    api.expect(ada.locator("#text")).to_be_empty()


def test_a_room_chosen_while_away_is_entered_later(ada: Page, ben: Page) -> None:
    go("here", ada)
    go("there", ben)
    say(ben, "anybody?")
    with browsers.away(ada):
        ada.evaluate("location.hash = 'there'")
        api.expect(ada.locator("#here")).to_have_text("#there")
    api.expect(said(ada)).to_have_text(["anybody?"])


def test_what_may_not_have_been_heard_is_given_back(ada: Page) -> None:
    go("gap", ada)
    ada.evaluate("opened.forEach((each) => { each.send = () => {}; })")
    say(ada, "into the void")
    with browsers.away(ada):
        api.expect(ada.locator("#text")).to_have_value("into the void")
        api.expect(ada.locator("#error")).to_contain_text("has this been heard?")


def test_without_the_cdn_the_page_tells_how_to_serve_the_client_file(
    browser: Browser, url: str
) -> None:
    with browsers.without_cdn(browser, url) as page:
        page.goto("/")
        browsers.expect_missing(page, "examples/chat.py --client-directory client")
        page.evaluate("document.getElementById('name').value = 'Ann'")
        page.locator("#door button").click(force=True)
        page.keyboard.press("Enter")
        assert page.url == url
