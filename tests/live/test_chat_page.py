"""Who is here, in the chat of examples/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from . import browsers
from .chats import Open, chatting, entering

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


@pytest.fixture
def enter(browser: Browser, node_clients: Path) -> Iterator[Open]:
    """Opens windows of users who have entered a room."""
    api.expect.set_options(timeout=PATIENCE)
    with entering(browser, browsers.cdn(node_clients)) as enter:
        yield enter
    api.expect.set_options(timeout=5_000)


def expect_people(page: Page, *names: str) -> None:
    api.expect(page.locator("#people li span:last-child")).to_have_text([*names])
    api.expect(page.locator("#count")).to_have_text(f"{len(names)} here")


def expect_fits(page: Page) -> None:
    for side in ("width", "height"):
        has = f"document.documentElement.scroll{side.capitalize()}"
        assert page.evaluate(has) <= PHONE[side]


def test_who_is_here_is_seen_and_said(url: str, enter: Open) -> None:
    options = {"viewport": PHONE, "color_scheme": "dark"}
    ada, ben = enter(url, "Ada", "tea", **options), enter(url, "Ben", "tea")
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
    ben.goto("/#elsewhere")
    api.expect(ada.locator(".notice").last).to_have_text("Ben left")
    expect_people(ada, "Ada (you)")
