"""The tests follow the modules: each module has a test file at the same place.

The tests of ``tgext/socketio/engine/http/body.py`` are in
``tests/engine/http/test_body.py``. If there are many, further ones are in
``test_body_<subject>.py`` beside it, or in a folder ``body``. A folder whose modules
have one subject may have one test file. The tests of the TurboGears floor are in
``tests/turbogears``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PRODUCT = TESTS.parent / "tgext/socketio"

#: Modules without a test file, and why.
WITHOUT = {
    "_version.py": "a number",
    "backends/amqp.py": "tests/amqp, which needs RabbitMQ",
    "backends/errors.py": "classes without code; each backend's tests raise them",
    "command/errors.py": "a class without code; the tests of the others raise it",
    "engine/acks.py": "names of gevent-socketio: tests/engine/test_names.py",
    "engine/handler.py": "names of gevent-socketio: tests/engine/test_names.py",
    "engine/mixins.py": "names of gevent-socketio: tests/engine/test_names.py",
    "engine/namespace.py": "names of gevent-socketio: tests/engine/test_names.py",
    "engine/threads.py": "names of earlier versions: tests/engine/test_names.py",
    "engine/virtsocket.py": "names of gevent-socketio: tests/engine/test_names.py",
    "engine/http/server.py": "Protocols",
    "engine/hub/bus.py": "a Protocol",
    "engine/hub/selection.py": "a class without code: test_rooms_machine.py",
    "engine/hub/observers.py": "Protocols",
    "engine/namespaces/client.py": "Protocols",
    "engine/server/host.py": "Protocols",
    "engine/server/request.py": "a Protocol, and a class of fields",
    "engine/recovery/client.py": "Protocols",
    "engine/recovery/states.py": "an enumeration, and a set",
    "engine/session/connection.py": "Protocols",
    "engine/session/states.py": "an enumeration, and a class without code",
    "engine/session/transport.py": "an abstract class; each transport has its tests",
    "engine/websocket/hosts.py": "Protocols",
    "engine/namespaces/errors.py": "one class without code",
    "serveroptions.py": "a table: test_option_table.py",
    "workers/inherited.py": "constants, and a class without code",
    "wire/socketio/reasons.py": "two texts, which the tests of leaving spell",
}

#: Lines of a module and of a test file, which have one subject each.
MODULE_LINES = 350
LINES = 600


def modules() -> list[str]:
    paths = (each.relative_to(PRODUCT) for each in PRODUCT.rglob("*.py"))
    return sorted(str(each) for each in paths if each.name != "__init__.py")


def place(module: str) -> Path:
    """The path of a module's tests, without ``test_``."""
    if module.startswith(("engine/", "wire/")):
        return TESTS / module
    return TESTS / "turbogears" / module


def has_tests(module: str) -> bool:
    path = place(module)
    folder, room = path.with_suffix(""), path.parent
    return (
        path.with_name(f"test_{path.name}").exists()
        or any(folder.glob("test_*.py"))
        # A folder that is one subject is tested as a whole.
        or room.with_name(f"test_{room.name}.py").exists()
    )


@pytest.mark.parametrize("module", [each for each in modules() if each not in WITHOUT])
def test_each_module_has_a_test_file(module: str) -> None:
    assert has_tests(module)


@pytest.mark.parametrize("module", WITHOUT)
def test_the_list_of_those_without_is_true(module: str) -> None:
    assert (PRODUCT / module).exists()
    assert not has_tests(module)


@pytest.mark.parametrize("room", ["wire", "engine", "turbogears"])
def test_each_test_file_of_a_room_is_that_of_a_module(room: str) -> None:
    """Tests of other subjects are beside the rooms, not in one."""
    floor = TESTS / room
    source = PRODUCT if room == "turbogears" else PRODUCT / room
    for path in floor.rglob("*/test_*.py"):
        folder = path.parent.relative_to(floor)
        if (source / folder).with_suffix(".py").exists():
            continue  # the folder is the module
        if not (source / folder).is_dir():
            continue
        names = {each.stem for each in (source / folder).glob("*")}
        subject = path.stem.removeprefix("test_")
        assert any(
            subject == name or subject.startswith(f"{name}_") for name in names
        ), path


@pytest.mark.parametrize(("folder", "most"), [(PRODUCT, MODULE_LINES), (TESTS, LINES)])
def test_no_file_has_too_many_lines(folder: Path, most: int) -> None:
    lengths = {
        each: len(each.read_text().splitlines()) for each in folder.rglob("*.py")
    }
    assert {str(path): n for path, n in lengths.items() if n > most} == {}
