"""Cookies and headers of the connections of a ``TestApp``."""

from __future__ import annotations

from email.message import Message
from typing import Any

from webtest import TestApp

from tgext.socketio.testing.browser import Browser
from tgext.socketio.testing.link import Answer


def make(app: Any, **given: Any) -> Browser:
    options = {"extra_environ": None, "headers": None, "timeout": 5.0, **given}
    return Browser(None, app, **options)  # type: ignore[arg-type]


def test_cookies_are_sent_where_they_belong() -> None:
    app = TestApp(None)
    app.set_cookie("a", "b")
    assert make(app).headers("/x/?y") == {"Host": "localhost:80", "Cookie": 'a="b"'}


def test_without_cookies() -> None:
    assert make(TestApp(None)).headers("/") == {"Host": "localhost:80"}


def test_another_host() -> None:
    app = TestApp(None, extra_environ={"HTTP_HOST": "shop.example"})
    assert make(app).headers("/")["Host"] == "shop.example"


def test_given_headers() -> None:
    headers = make(TestApp(None), headers={"Origin": "http://a"}).headers("/")
    assert headers == {"Host": "localhost:80", "Origin": "http://a"}


def test_cookies_of_answers_are_kept() -> None:
    app = TestApp(None)
    headers = Message()
    headers["Set-Cookie"] = "a=b; Path=/"
    headers["Set-Cookie"] = "c=d; Path=/elsewhere"
    headers["Set-Cookie"] = "e=f; Secure"
    browser = make(app)
    browser.accept("/", Answer(200, headers))
    assert browser.headers("/")["Cookie"] == "a=b"
    encrypted = make(app, extra_environ={"wsgi.url_scheme": "https"})
    assert "e=f" in encrypted.headers("/")["Cookie"]
