"""What PasteDeploy calls: one process, or workers."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from tgext.socketio import server, starting
from tgext.socketio.starting import socketio_server_factory
from tgext.socketio.workers.inherited import Inherited

INHERITED = Inherited(0, None, memoryview(b""), 0, 3)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    serve = mock.Mock()
    monkeypatch.setattr(server, "serve_application", serve)
    return serve


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """The parent, which starts no process: this one is its worker."""
    made = mock.Mock()
    made.return_value.run.return_value = INHERITED
    monkeypatch.setattr(starting, "Parent", made)
    return made


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    raise AssertionError("nothing asks")


@pytest.mark.parametrize("options", [{}, {"workers": "1"}, {"workers": "nonsense"}])
def test_one_process_has_no_parent(
    served: mock.Mock, parent: mock.Mock, options: dict[str, str]
) -> None:
    socketio_server_factory({"debug": "false"}, **options)(app)
    served.assert_called_once_with(app, {"debug": "false"}, options, None)
    parent.assert_not_called()


def test_a_worker_serves_with_what_it_has_inherited(
    served: mock.Mock, parent: mock.Mock
) -> None:
    socketio_server_factory({}, workers="3", port="1")(app)
    parent.assert_called_once_with(3)
    options = {"workers": "3", "port": "1"}
    served.assert_called_once_with(app, {}, options, INHERITED)


@pytest.mark.parametrize("status", [0, 4])
def test_the_parent_ends_with_its_status(parent: mock.Mock, status: int) -> None:
    parent.return_value.run.return_value = status
    with pytest.raises(SystemExit) as ended:
        socketio_server_factory({}, workers="2")
    assert ended.value.code == status


def test_the_reloader_of_gearbox_has_one_process(
    served: mock.Mock,
    parent: mock.Mock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hupper = SimpleNamespace(is_active=lambda: True)
    monkeypatch.setitem(sys.modules, "hupper", hupper)
    socketio_server_factory({}, workers="2")(app)
    parent.assert_not_called()
    served.assert_called_once_with(app, {}, {"workers": "1"}, None)
    assert "one process serves, not workers = 2" in caplog.text


def test_a_system_without_fork_is_told(
    parent: mock.Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "fork")
    with pytest.raises(SystemExit, match=r"workers: 2 .*has no fork.*workers = 1"):
        socketio_server_factory({}, workers="2")
    parent.assert_not_called()


@pytest.mark.parametrize(
    ("text", "logs"),
    [
        ("[loggers]\nkeys = root\n", True),
        ("[loggers]\nkeys = root\n[handler_a]\nclass = StreamHandler\n", True),
        ("[loggers]\n[handler_a]\nclass = handlers.SysLogHandler\n", True),
        ("[loggers]\n[handler_a]\nclass = logging.FileHandler\n", True),
        ("[loggers]\n[handler_a]\nclass = shop.logs.Handler\n", False),
        ("[loggers]\n[formatter_a]\nclass = shop.logs.Formatter\n", False),
        ("[DEFAULT]\n", False),
    ],
)
def test_the_parent_logs_where_the_file_says(
    parent: mock.Mock, tmp_path: Any, text: str, logs: bool
) -> None:
    ini = tmp_path / "an.ini"
    ini.write_text(f"{text}percent = 100%\n")
    with mock.patch("tgext.socketio.workers.parent.fileConfig") as configure:
        socketio_server_factory({"__file__": str(ini)}, workers="2")
    assert configure.called is logs
