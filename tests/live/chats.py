"""The chat of examples/, as the README starts it, and those who chat."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.ports import free_port

from . import browsers
from .serving import ROOT, START_DEADLINE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@contextmanager
def chatting(*arguments: str) -> Iterator[str]:
    """Run the example by its own command, and yield the URL of its page."""
    port = free_port()
    with running(port, "examples/chat.py", "--port", str(port), *arguments) as url:
        yield url


@contextmanager
def running(port: int, *command: str) -> Iterator[str]:
    """Run a script that serves, and yield its URL."""
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT)
    url = f"http://127.0.0.1:{port}/"
    try:
        end = time.monotonic() + START_DEADLINE
        while not answers(url):
            assert process.poll() is None, "the chat ended"
            assert time.monotonic() < end, "the chat does not answer"
            time.sleep(0.05)
        yield url
        process.send_signal(signal.SIGTERM)
        assert process.wait(START_DEADLINE) == 0
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    try:
        return bool(urllib.request.urlopen(url, timeout=5).status == 200)
    except OSError:
        return False


Open = Callable[..., "Page"]


@contextmanager
def entering(browser: Browser, scripts: Mapping[str, bytes]) -> Iterator[Open]:
    """Opens windows of users who have entered a room.

    :param scripts: of the CDN.
    """
    api = pytest.importorskip("playwright.sync_api")
    with ExitStack() as windows:

        def enter(url: str, name: str, room: str = "lobby", **options: Any) -> Page:
            window = browsers.window(browser, url, scripts, **options)
            page: Page = windows.enter_context(window)
            page.goto(f"/#{room}")
            page.fill("#name", name)
            page.press("#name", "Enter")
            entered = page.locator(".notice").filter(has_text=f"You are in #{room}")
            api.expect(entered).to_have_count(1)
            return page

        yield enter


def say(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


def said(page: Page) -> Any:
    return page.locator(".said .text")
