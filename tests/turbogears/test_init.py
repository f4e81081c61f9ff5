"""Importing the package imports neither TurboGears nor anypubsub."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import tgext.socketio

IMPORTS = """
import sys
import {module}
print(*sorted(name for name in {names!r} if name in sys.modules))
"""


def imported(module: str, *names: str) -> set[str]:
    """Which of ``names`` a fresh interpreter has after importing ``module``."""
    program = IMPORTS.format(module=module, names=names)
    # When coverage is measured, it imports gevent into each interpreter.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("COVERAGE_PROCESS")
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("tgext.socketio", {"tg", "gevent"}),
        ("tgext.socketio.engine.namespaces.events", {"tg", "gevent"}),
        ("tgext.socketio.wire.socketio.v5", {"tg", "gevent"}),
        ("tgext.socketio.engine.server.server", {"tg"}),
    ],
)
def test_a_floor_is_imported_without_those_above_it(
    module: str, absent: set[str]
) -> None:
    assert imported(module, "tg", "gevent", module) & absent == set()


def test_the_server_s_module_imports_turbogears_after_it_has_patched() -> None:
    code = (
        "import tgext.socketio.server, sys\n"
        "assert 'tg' in sys.modules\n"
        "tgext.socketio.server.check_patched()\n"
        "print('in time')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout == "in time\n", ran.stderr


def test_the_public_names_are_there() -> None:
    from tgext.socketio.controller import SocketIOController
    from tgext.socketio.engine.namespace import event
    from tgext.socketio.namespace import SocketIOTGNamespace
    from tgext.socketio.presence import PresenceMixin

    assert tgext.socketio.PresenceMixin is PresenceMixin
    assert tgext.socketio.SocketIOController is SocketIOController
    assert tgext.socketio.SocketIOTGNamespace is SocketIOTGNamespace
    assert tgext.socketio.event is event
    assert tgext.socketio.__version__


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'SocketIOMannequin'"):
        tgext.socketio.SocketIOMannequin  # noqa: B018


def test_channels_without_anypubsub_say_what_to_install() -> None:
    code = (
        "import sys; sys.modules['anypubsub'] = None\n"
        "import tgext.socketio.server\n"
        "import tgext.socketio.controller\n"
        "try:\n"
        "    import tgext.socketio.pubsub\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "pip install tgext.socketio[pubsub]" in ran.stdout
