"""A controller's attributes of which one hides another are told of when it is made."""

from __future__ import annotations

from inspect import getsourcelines
from typing import Any

import pytest
from tg import TGController, expose

from tgext.socketio import SocketIOController, SocketIOTGNamespace

from .apps import mock_socket


class Chat(SocketIOTGNamespace):
    pass


class Pages(SocketIOController):
    @expose()
    def chat(self) -> str:
        return "a page"

    @expose()
    def other(self) -> str:
        return "a page"


class HidesAPage(Pages):
    chat = Chat


class PageThenNamespace(SocketIOController):
    @expose()
    def chat(self) -> str:
        return "a page"

    chat = Chat  # type: ignore[assignment]  # noqa: F811


class NamespaceThenPage(SocketIOController):
    chat = Chat

    @expose()
    def chat(self) -> str:  # type: ignore[no-redef]  # noqa: F811
        return "a page"


class TwoNamespaces(SocketIOController):
    chat = Chat
    chat = SocketIOTGNamespace  # type: ignore[assignment]


class HidesASection(Pages):
    section: Any = TGController()


class BelowTheSection(HidesASection):
    section = Chat


def lines(caplog: pytest.LogCaptureFixture, cls: type[SocketIOController]) -> list[str]:
    for _ in range(2):
        cls()
    return caplog.messages


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (HidesAPage, "the namespace chat hides the page chat of Pages."),
        (BelowTheSection, "the namespace section hides the page section of HidesASec"),
        (PageThenNamespace, "chat in line {5} replaces that in line {2}, and is"),
        (NamespaceThenPage, "chat in line {4} replaces that in line {1}, and is"),
        (TwoNamespaces, "chat in line {2} replaces that in line {1}, and is served"),
    ],
)
def test_the_line_names_the_controller_and_both(
    caplog: pytest.LogCaptureFixture, cls: type[SocketIOController], message: str
) -> None:
    first = getsourcelines(cls)[1]
    text = message.format(*range(first, first + 6))
    [line] = lines(caplog, cls)
    assert line.startswith(f"{__name__}.{cls.__name__}: {text}")


def test_an_instance_of_a_namespace(caplog: pytest.LogCaptureFixture) -> None:
    instance = Chat({"socketio": mock_socket()}, "/chat")

    class Mounted(SocketIOController):
        chat = instance

    [line] = lines(caplog, Mounted)
    assert "Mount the class, chat = Chat, without parentheses" in line


def test_other_controllers_are_not_told(caplog: pytest.LogCaptureFixture) -> None:
    class Special(Chat):
        pass

    class Base(SocketIOController):
        chat = Chat

        @expose()
        def page(self) -> str:
            return "a page"

        @property
        def number(self) -> int:
            return 1

        @number.setter
        def number(self, value: int) -> None: ...

    class Derived(Base):
        chat = Special

        @expose()
        def page(self) -> str:
            return "another page"

    made = type("Made", (Base,), {"other": Chat})
    for cls in (Base, Derived, made):
        assert lines(caplog, cls) == []
