"""The ini file of the application, and the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tgext.socketio.command.main import SocketIOCommand

INI = """
[server:main]
use = egg:tgext.socketio#socketio
{server}

[app:main]
paste.app_factory = tests.turbogears.command.shop:make_app
{app}
"""

#: Writes an ini file, and returns its path.
Write = Callable[..., str]

#: Runs the command; returns its status, what it printed, and its errors.
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(app: str = "", server: str = "") -> str:
        path = tmp_path / "shop.ini"
        path.write_text(INI.format(app=app, server=server))
        return str(path)

    return write


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*argv: str) -> tuple[int, str, str]:
        command = SocketIOCommand(None, SimpleNamespace(debug=False))
        parser = command.get_parser("gearbox socketio")
        capsys.readouterr()
        status = command.run(parser.parse_args(argv))
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run
