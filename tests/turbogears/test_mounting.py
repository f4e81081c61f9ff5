"""Controllers that no client reaches are told of at the start."""

from __future__ import annotations

from typing import Any

import pytest
from tg import TGController

from tgext.socketio import SocketIOController
from tgext.socketio.mounting import warn_of_mounts


class SocketIO(SocketIOController):
    pass


class Section(TGController):
    live = SocketIO()


class Mounted(TGController):
    socketio = SocketIO()


class Dotted(TGController):
    socket_io = SocketIO()


class Below(TGController):
    section = Section()


class Forgotten(TGController):
    socketio = SocketIO


class Both(TGController):
    live = SocketIO()
    socketio = SocketIO


class Nested(TGController):
    class Live(SocketIOController):
        pass

    socketio = Live()


class Two(TGController):
    socketio = SocketIO()
    other = SocketIO()


class Without(TGController):
    section = TGController()


def told(
    caplog: pytest.LogCaptureFixture, root: type[TGController], *resources: str
) -> list[str]:
    config: dict[str, Any] = {"tg.root_controller": root()}
    warn_of_mounts([config], resources)
    return caplog.messages


@pytest.mark.parametrize(
    ("root", "resources", "message"),
    [
        (
            Mounted,
            ["socket.io"],
            "The SocketIO at /socketio is not in socketio_resource, which is "
            "socket.io: clients cannot connect to it. Set socketio_resource = "
            "socketio in [server:main]",
        ),
        (Below, ["live/section"], "Set socketio_resource = section/live in"),
        (Two, ["socketio", "socket.io"], "The SocketIO at /other is not in"),
        (Both, ["live"], "/socketio is the class SocketIO: its clients"),
        (
            Forgotten,
            ["socketio"],
            "/socketio is the class SocketIO: its clients are answered 500. Mount an "
            "instance, socketio = SocketIO(), with parentheses",
        ),
    ],
)
def test_the_line_says_what_to_set(
    caplog: pytest.LogCaptureFixture,
    root: type[TGController],
    resources: list[str],
    message: str,
) -> None:
    [line] = told(caplog, root, *resources)
    assert message in line


@pytest.mark.parametrize(
    ("root", "resources"),
    [
        (Mounted, ["socketio"]),
        (Mounted, ["/socketio/"]),
        (Mounted, ["prefix/socketio"]),
        (Mounted, ["socketio", "of/another/application"]),
        (Dotted, ["socket.io"]),
        (Below, ["section/live"]),
        (Two, ["other", "socketio"]),
        (Nested, ["socketio"]),
        (Without, ["socketio"]),
    ],
)
def test_what_is_reached_is_not_told(
    caplog: pytest.LogCaptureFixture, root: type[TGController], resources: list[str]
) -> None:
    assert told(caplog, root, *resources) == []
