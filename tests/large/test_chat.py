"""The chat of examples/, as the README starts it, in browsers."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.live import browsers
from tests.live.chats import Open, chatting, entering, running, said, say
from tests.live.serving import START_DEADLINE
from tests.ports import free_port
from tests.redis_server import RedisServer, running_redis

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

PHONE = {"width": 360, "height": 640}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with chatting() as url:
        yield url


@pytest.fixture
def enter(browser: Browser, node_clients: Path) -> Iterator[Open]:
    """Opens windows of users who have entered a room."""
    with entering(browser, browsers.cdn(node_clients)) as enter:
        yield enter


def test_two_chat_and_a_third_elsewhere_hears_nothing(url: str, enter: Open) -> None:
    ada, ben, eve = enter(url, "Ada"), enter(url, "Ben"), enter(url, "Eve", "tea")
    api.expect(ada.locator(".notice")).to_contain_text(["You are in", "Ben came in"])
    say(ada, "hello <b>Ben</b> ☃")
    say(ben, "hi Ada")
    for page in (ada, ben):
        api.expect(said(page)).to_have_text(["hello <b>Ben</b> ☃", "hi Ada"])
    api.expect(ada.locator(".mine .text")).to_have_text(["hello <b>Ben</b> ☃"])
    api.expect(ben.locator(".mine .text")).to_have_text(["hi Ada"])
    # Eve's own words arrive after anything that she could have heard.
    say(eve, "anyone?")
    api.expect(said(eve)).to_have_text(["anyone?"])
    assert eve.locator(".notice").count() == 1


def test_who_types_is_seen_to(url: str, enter: Open) -> None:
    ada, ben = enter(url, "Ada", "typing"), enter(url, "Ben", "typing")
    ada.fill("#text", "I think")
    api.expect(ben.locator("#typing")).to_have_text("Ada is typing")
    api.expect(ada.locator("#typing")).to_be_empty()
    ada.press("#text", "Enter")
    api.expect(said(ben)).to_have_text(["I think"])
    api.expect(ben.locator("#typing")).to_be_empty()


def test_rooms_are_changed_and_opened(url: str, enter: Open) -> None:
    ada, ben = enter(url, "Ada", "moving"), enter(url, "Ben", "moving")
    ada.fill("#room", "Quiet Corner")
    ada.press("#room", "Enter")
    api.expect(ada.locator("#here")).to_have_text("#quiet-corner")
    api.expect(ben.locator(".notice").last).to_have_text("Ada left")
    say(ben, "where are you?")
    api.expect(said(ben)).to_have_text(["where are you?"])
    ben.goto("/#quiet-corner")
    api.expect(ada.locator(".notice").last).to_have_text("Ben came in")
    assert said(ada).count() == 0
    say(ben, "there you are")
    api.expect(said(ada)).to_have_text(["there you are"])


def test_who_closes_the_window_left(url: str, enter: Open) -> None:
    ada, ben = enter(url, "Ada", "workshop"), enter(url, "Ben", "workshop")
    ben.goto("about:blank")
    # A page that is loaded again is no leave: 5 s later it is one.
    api.expect(ada.locator(".notice").last).to_have_text("Ben left", timeout=30_000)


def test_a_message_that_is_too_long_is_refused(url: str, enter: Open) -> None:
    ada = enter(url, "Ada", "long")
    ada.evaluate("document.getElementById('text').removeAttribute('maxlength')")
    say(ada, "x" * 2001)
    api.expect(ada.locator("#error")).to_have_text("At most 2000 characters")
    say(ada, "sorry")
    api.expect(ada.locator("#error")).to_be_hidden()
    api.expect(said(ada)).to_have_text(["sorry"])


def test_it_works_on_a_phone(url: str, enter: Open) -> None:
    ada, ben = enter(url, "Ada", "phone", viewport=PHONE), enter(url, "Ben", "phone")
    for number in range(30):
        say(ben, f"{number} and {'a word ' * 20}" + "x" * 60)
    api.expect(said(ada)).to_have_count(30)
    assert ada.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert ada.evaluate("document.documentElement.scrollHeight") <= PHONE["height"]
    api.expect(said(ada).last).to_be_in_viewport()
    for button in ("#send", "#text", ".room[aria-current]"):
        api.expect(ada.locator(button)).to_be_in_viewport()


def test_it_spans_processes_over_redis(enter: Open, tmp_path: Path) -> None:
    with (
        running_redis(tmp_path) as redis,
        chatting("--redis", redis.url) as one,
        chatting("--redis", redis.url) as other,
    ):
        ada, ben = enter(one, "Ada"), enter(other, "Ben")
        say(ada, "hello over there")
        api.expect(said(ben)).to_have_text(["hello over there"])
        expect_back(redis, ada, ben)
        ada.close()
        ben.close()


def expect_back(redis: RedisServer, ada: Page, ben: Page) -> None:
    redis.kill()
    say(ada, "lost")
    api.expect(ada.locator("#error")).to_have_text(re.compile("server error"))
    redis.start()
    api.expect(ada.locator("#state")).to_have_text("connected")
    end = time.monotonic() + START_DEADLINE
    while redis.listeners("room:lobby") != 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    say(ben, "back again")
    api.expect(said(ada).last).to_have_text("back again")


def test_a_chat_of_the_original(
    browser: Browser, node_clients: Path, tmp_path: Path
) -> None:
    port = free_port()
    script = "tests/live/fixtureapps/original_chat.py"
    scripts = browsers.cdn(node_clients)
    with (
        running_redis(tmp_path) as redis,
        running(port, script, str(port), str(redis.port)) as url,
        browsers.window(browser, url, scripts) as one,
        browsers.window(browser, url, scripts) as two,
        browsers.window(browser, url, scripts) as elsewhere,
    ):
        for number, (page, room) in enumerate(
            ((one, "1"), (two, "1"), (elsewhere, "2")), 1
        ):
            page.goto(f"/#{room}")
            api.expect(page.locator("#me")).to_have_text(f"user-{number}")
        for page, text in ((one, "hello"), (elsewhere, "alone")):
            page.fill("#message", text)
            page.press("#message", "Enter")
        for page in (one, two):
            api.expect(page.locator("#lines")).to_have_text("user-1 hello")
        api.expect(elsewhere.locator("#lines")).to_have_text("user-3 alone")
