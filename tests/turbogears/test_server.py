"""The runner: options, refusals, patching."""

from __future__ import annotations

import errno
import logging
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import gevent
import pytest

from tgext.socketio import server
from tgext.socketio.engine.server import SocketIOServer
from tgext.socketio.request import context
from tgext.socketio.server import (
    AddressError,
    DebugModeForbiddenException,
    LatePatchError,
    OptionError,
    read_options,
    socketio_server_runner,
)


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    raise AssertionError("nothing asks")


@pytest.fixture(autouse=True)
def at_exit(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """The functions that run when this process ends."""
    register = mock.Mock()
    monkeypatch.setattr(server.atexit, "register", register)
    return register


@pytest.fixture(autouse=True)
def deadline(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """Told when the threads of this process have to have ended."""
    end_by = mock.Mock()
    monkeypatch.setattr(server, "end_by", end_by)
    return end_by


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The applications of this process; other tests have some, too."""
    made: list[Any] = []
    monkeypatch.setattr(server, "applications", made)
    return made


@pytest.fixture
def built() -> Any:
    """The arguments with which the runner builds its server, which doesn't run."""
    init = mock.patch.object(SocketIOServer, "__init__", return_value=None)
    serve = mock.patch.object(SocketIOServer, "serve_forever")
    with init as made, serve as served:
        yield made
    served.assert_called_once_with()


@pytest.mark.parametrize(
    ("options", "address", "keywords"),
    [
        ({}, ("127.0.0.1", 8080), {"resource": "socketio"}),
        (
            {"host": "192.0.2.1", "port": "9100", "socketio_resource": "somewhere"},
            ("192.0.2.1", 9100),
            {"resource": "somewhere"},
        ),
        (
            {"socketio_resource": "socketio, /plug/socketio/"},
            ("127.0.0.1", 8080),
            {"resource": ("socketio", "plug/socketio")},
        ),
        (
            {
                "heartbeat_interval": "2.5",
                "max_message_size": "1000",
                "transports": "websocket, polling",
                "allowed_origins": "https://a.example https://b.example",
            },
            ("127.0.0.1", 8080),
            {
                "resource": "socketio",
                "heartbeat_interval": 2.5,
                "max_message_size": 1000,
                "transports": ["websocket", "polling"],
                "allowed_origins": ["https://a.example", "https://b.example"],
            },
        ),
    ],
)
def test_the_server_gets_the_options_that_were_set(
    built: Any, options: dict[str, str], address: Any, keywords: dict[str, Any]
) -> None:
    socketio_server_runner(app, {"debug": "false"}, **options)
    built.assert_called_once_with(address, app, **keywords)


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    ("options", "seconds"), [({}, 10), ({"shutdown_timeout": "3"}, 3)]
)
def test_threads_have_the_time_that_handlers_have(
    deadline: mock.Mock, options: dict[str, str], seconds: float
) -> None:
    before = time.monotonic()
    socketio_server_runner(app, {}, **options)
    assert before + seconds <= deadline.call_args.args[0] <= time.monotonic() + seconds


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    ("options", "warns"),
    [
        ({}, True),
        ({"warn_of_blocking_drivers": "yes"}, True),
        ({"warn_of_blocking_drivers": "false"}, False),
        ({"warn_of_blocking_drivers": False}, False),
    ],
)
def test_drivers_that_block_are_told_of(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], warns: bool
) -> None:
    warn = mock.Mock()
    monkeypatch.setattr(server, "warn_of_blocking_drivers", warn)
    socketio_server_runner(app, {}, **options)
    assert warn.called is warns


@pytest.mark.parametrize("debug", [True, "true", "on"])
@pytest.mark.parametrize("allowed", [{}, {"allow_debug": "false"}])
def test_debug_mode_is_refused(debug: Any, allowed: dict[str, str]) -> None:
    with pytest.raises(DebugModeForbiddenException, match="debug = false") as raised:
        socketio_server_runner(app, {"debug": debug}, **allowed)
    assert "allow_debug = true in [server:main]" in str(raised.value)
    # gearbox shows it as one line.
    assert isinstance(raised.value, SystemExit)
    assert isinstance(raised.value, Exception)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("level", "handled", "propagate", "told"),
    [
        (logging.INFO, logging.INFO, True, False),  # as gearbox has it
        (logging.INFO, logging.NOTSET, False, False),
        (logging.WARNING, logging.NOTSET, True, True),
        (logging.INFO, logging.WARNING, False, True),  # gearbox -q
        (logging.INFO, None, False, True),
    ],
)
def test_why_it_has_not_started_is_told_where_gearbox_does_not_show_it(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    level: int,
    handled: int | None,
    propagate: bool,
    told: bool,
) -> None:
    """gearbox tells it at INFO, which the logging of development.ini may leave out."""
    monkeypatch.setitem(sys.modules, "gearbox", mock.Mock())
    logger = logging.getLogger("gearbox")
    handlers = [] if handled is None else [logging.NullHandler(handled)]
    monkeypatch.setattr(logger, "handlers", handlers)
    monkeypatch.setattr(logger, "propagate", propagate)
    caplog.set_level(level, "gearbox")
    with pytest.raises(OptionError, match="did you mean heartbeat_interval") as raised:
        socketio_server_runner(app, {}, heartbeat_intervall="3")
    assert caplog.messages == ([str(raised.value)] if told else [])


def test_without_gearbox_python_shows_why_it_has_not_started(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "gearbox", raising=False)
    with pytest.raises(OptionError, match="did you mean heartbeat_interval"):
        socketio_server_runner(app, {}, heartbeat_intervall="3")
    assert caplog.messages == []


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("allowed", ["true", True])
@pytest.mark.parametrize("debug", ["true", "false"])
def test_debug_mode_can_be_allowed(debug: str, allowed: Any) -> None:
    socketio_server_runner(app, {"debug": debug}, allow_debug=allowed)


def test_an_allowance_that_is_neither_is_named() -> None:
    with pytest.raises(OptionError, match=r"allow_debug: 'maybe' is not true or"):
        socketio_server_runner(app, {"debug": "true"}, allow_debug="maybe")


@pytest.mark.parametrize("debug", ["maybe", "", "2"])
def test_a_debug_mode_that_is_neither_is_named(debug: str) -> None:
    with pytest.raises(OptionError) as raised:
        socketio_server_runner(app, {"debug": debug})
    assert str(raised.value) == (
        f"[DEFAULT] debug: {debug!r} is neither true nor false"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"port": "http"}, r"port: 'http' is not a whole number"),
        ({"max_message_size": "1MB"}, r"max_message_size: '1MB' is not a whole number"),
        ({"heartbeat_interval": "soon"}, r"heartbeat_interval: 'soon' is not a number"),
        (
            {"hearbeat_interval": "5"},
            r"hearbeat_interval is not an option \(did you mean heartbeat_interval"
            r"\?\); the options are: .*",
        ),
        ({"transports": "pigeon"}, r"transports: 'pigeon' is not websocket or"),
        (
            {"warn_of_blocking_drivers": "maybe"},
            r"warn_of_blocking_drivers: 'maybe' is not true or false",
        ),
        (
            {"warn_of_blocking_drivers": 2},
            r"warn_of_blocking_drivers: 2 is not true or false",
        ),
        (
            {"socketio_resource": " , "},
            r"socketio_resource: it is empty; name",
        ),
        ({"port": "70000"}, r"port: 70000 is more than 65535"),
        ({"port": "-1"}, r"port: -1 is less than 0"),
        ({"port": True}, r"port: True is not a whole number"),
        ({"port": "9" * 5000}, r"port: '9+\.\.\. is not a whole number$"),
        ({"host": ""}, r"host: '' is not a name"),
        ({"host": "a\0"}, r"host: 'a\\x00' is not a name"),
        ({"host": "\ud800"}, r"host: '\\ud800' is not a name"),
        ({"host": "unix:"}, r"host: the path in 'unix:' is empty"),
        ({"host": "fd://x"}, r"host: 'fd://x' is not fd://3, or a higher number"),
        ({"socket_mode": "rw"}, r"socket_mode: 'rw' is not a mode such as 0660"),
        ({"socket_mode": "0880"}, r"socket_mode: '0880' is not a mode such as 0660"),
        ({"socket_mode": "1777"}, r"socket_mode: 1777 is more than 777"),
        (
            {"host": "unix:/x", "socket_owner": "nobody-here"},
            r"socket_owner: 'nobody-here' is not user:group, of this machine",
        ),
        ({"certfile": ""}, r"certfile: '' is not a name"),
        ({"transports": " "}, r"transports: it is empty; name websocket or"),
        ({"handshake_timeout": "inf"}, r"handshake_timeout: inf is more than 1000000"),
        ({"a\nb\x1b[2J": "1"}, r"a\\nb\\x1b\[2J is not an option; the options are: "),
        ({"max_outbox": "0"}, r"max_outbox: 0 is not greater than 0"),
        ({"allowed_origins": "*, x.org"}, r"allowed_origins: 'x.org' has no scheme: "),
        (
            {"allowed_origins": "htps://x"},
            r"allowed_origins: 'htps://x' has an unknown scheme",
        ),
        (
            {"allowed_origins": "http://x/y"},
            r"allowed_origins: 'http://x/y' is not an origin",
        ),
    ],
)
def test_a_bad_option_is_named_in_one_line(
    options: dict[str, str], message: str
) -> None:
    with pytest.raises(OptionError, match=message) as raised:
        socketio_server_runner(app, {}, **options)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"socketio.clutser": "true"},
            "socketio.clutser is not an option (did you mean socketio.cluster?); the "
            "options are: socketio.",
        ),
        ({"socketio.cluster": "true"}, "socketio.cluster: the backend memory reaches"),
    ],
)
def test_a_bad_option_of_an_application_is_named_in_one_line(
    made: list[Any], config: dict[str, str], message: str
) -> None:
    made += [SimpleNamespace(config={}), SimpleNamespace(config=config)]
    with pytest.raises(OptionError) as raised:
        socketio_server_runner(app, {})
    assert str(raised.value).startswith(f"The application's configuration: {message}")
    assert "\n" not in str(raised.value)


def test_options_may_be_values_already() -> None:
    assert read_options({"transports": ["polling"], "max_outbox": 5}) == {
        "transports": ["polling"],
        "max_outbox": 5,
    }


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EADDRINUSE, "it is in use by another program"),
        (errno.EACCES, "this user is not allowed to use it"),
        (errno.EADDRNOTAVAIL, "this machine has no such address"),
        (errno.EMFILE, "Too many open files"),
    ],
)
def test_an_address_that_cannot_be_had_is_said_in_one_line(
    number: int, words: str
) -> None:
    failure = OSError(number, "Too many open files")
    with (
        mock.patch.object(SocketIOServer, "serve_forever", side_effect=failure),
        pytest.raises(AddressError) as raised,
    ):
        socketio_server_runner(app, {}, port="8081")
    assert str(raised.value) == f"Cannot serve on http://127.0.0.1:8081: {words}"


def test_an_ipv6_address_is_shown_in_brackets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failure = OSError(errno.EADDRINUSE, "in use")
    with (
        mock.patch.object(SocketIOServer, "serve_forever", side_effect=failure),
        pytest.raises(AddressError, match=r"Cannot serve on http://\[::1\]:7041: "),
    ):
        socketio_server_runner(app, {}, host="::1", port="7041")
    line = "Starting SocketIO HTTP server on http://[::1]:7041, resource socketio\n"
    assert capsys.readouterr().out == line


@pytest.mark.parametrize(
    ("options", "mode"), [({}, 0o660), ({"socket_mode": "0600"}, 0o600)]
)
def test_a_path_is_served_with_its_mode(
    options: dict[str, str],
    mode: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "app.sock"

    def serve_forever(self: SocketIOServer) -> None:
        self.start()
        assert stat.S_IMODE(path.stat().st_mode) == mode
        self.stop()

    with mock.patch.object(SocketIOServer, "serve_forever", serve_forever):
        socketio_server_runner(app, {}, host=f"unix:{path}", **options)
    line = f"Starting SocketIO HTTP server on unix:{path}, resource socketio\n"
    assert capsys.readouterr().out == line
    assert not path.exists()


def test_a_descriptor_that_was_not_handed_over_is_said_in_one_line() -> None:
    with pytest.raises(AddressError) as raised:
        socketio_server_runner(app, {}, host="fd://3")
    assert str(raised.value).startswith(
        "Cannot serve on fd://3: systemd has not handed it over: LISTEN_"
    )


def test_a_start_that_fails_ends_the_process_with_a_status(at_exit: mock.Mock) -> None:
    with pytest.raises(OptionError):
        socketio_server_runner(app, {}, port="x")
    with mock.patch.object(os, "_exit") as leave:
        at_exit.call_args.args[0]()
    leave.assert_called_once_with(1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_and_is_let_go_of(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    made = SocketIOServer(("127.0.0.1", 0), app)
    run = gevent.spawn(server.serve, made)
    while not made.started:
        gevent.sleep(0.01)
    signal.raise_signal(number)
    run.get(timeout=10)
    assert made.closed
    assert signal.getsignal(number) in (before, signal.SIG_DFL)


LATE = """
import tg
import tgext.socketio.server as server
try:
    server.socketio_server_runner(None, {})
except server.LatePatchError as error:
    print(error)
"""


def test_a_late_patch_is_refused_with_the_fix() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LATE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Import tgext.socketio.server before anything that imports tg" in done.stdout


TIMELY = """
from gevent import monkey
monkey.patch_all()
import tg
import tgext.socketio.server as server
server.check_patched()
print("in time")
"""


def test_what_counts_is_what_turbogears_got_not_who_came_first() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TIMELY], capture_output=True, text=True, check=False
    )
    assert done.stdout == "in time\n", done.stderr


def test_a_native_thread_local_is_a_late_patch() -> None:
    with (
        mock.patch.object(context, "imported_patched", False),
        pytest.raises(LatePatchError),
    ):
        server.check_patched()


def test_a_patch_in_time_is_accepted() -> None:
    server.check_patched()
