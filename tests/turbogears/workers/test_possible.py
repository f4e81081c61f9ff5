"""Whether several workers can serve an application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tg import TGController

from tgext.socketio import SocketIOController
from tgext.socketio.workers.inherited import Inherited
from tgext.socketio.workers.possible import WORKERS, check_workers, warn_if_alone

INHERITED = Inherited(0, None, memoryview(b""), 0, 3)


class Pages(TGController): ...


class Mounting(TGController):
    socketio = SocketIOController()


def config(root: type, **options: str) -> Mapping[str, Any]:
    named = {f"socketio.{name}": value for name, value in options.items()}
    return {"tg.root_controller": root(), **named}


@pytest.mark.parametrize(
    "configs",
    [
        pytest.param([], id="another kind of application"),
        pytest.param([config(Pages)], id="pages alone"),
        pytest.param([config(Mounting, cluster="true")], id="a cluster"),
        pytest.param(
            [config(Pages), config(Mounting, cluster="true")], id="two applications"
        ),
    ],
)
def test_these_can_have_workers(configs: list[Mapping[str, Any]]) -> None:
    check_workers(3, INHERITED, configs)


@pytest.mark.parametrize("options", [{}, {"cluster": "false"}])
def test_sockets_need_a_broker(options: dict[str, str]) -> None:
    configs = [config(Mounting, cluster="true"), config(Mounting, **options)]
    with pytest.raises(ValueError, match="3 processes would not hear each") as raised:
        check_workers(3, INHERITED, configs)
    text = str(raised.value)
    assert "set socketio.cluster = true and anypubsub.backend = redis" in text
    assert "\n" not in text


def test_one_process_needs_nothing() -> None:
    check_workers(1, None, [config(Mounting)])


def test_workers_are_started_by_whoever_loads_the_server() -> None:
    with pytest.raises(ValueError, match="before the application is loaded"):
        check_workers(2, None, [])


@pytest.mark.parametrize("value", ["0", "many", "-2", "1e3", ""])
def test_an_invalid_number_is_told(value: str) -> None:
    with pytest.raises(ValueError, match=f"workers: '{value}' is not a number from 1"):
        WORKERS.check(WORKERS.read(value))


@pytest.mark.parametrize(
    ("environ", "options", "warns"),
    [
        ({"wsgi.multiprocess": True}, {}, True),
        ({"wsgi.multiprocess": True}, {"cluster": "true"}, False),
        ({"wsgi.multiprocess": False}, {}, False),
        ({}, {}, False),
    ],
)
def test_a_controller_that_was_not_found_at_the_start_is_told_of(
    environ: dict[str, Any],
    options: dict[str, str],
    warns: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    warn_if_alone(environ, config(Pages, **options))
    assert ("do not hear each other's broadcasts" in caplog.text) is warns
