"""The plugin of pytest, with the examples of ``docs/testing.rst``; and unittest."""

from __future__ import annotations

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.pages import ROOT, blocks
from tgext.socketio.testing import plugin

PAGE = "docs/testing.rst"


def files() -> list[str]:
    """The page's blocks that are files: the application, then the tests."""
    return [each.text for each in blocks(PAGE) if each.file]


def run(folder: Path, *command: str) -> tuple[int, str]:
    """Run Python in a folder; its output."""
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", *command],
        cwd=folder,
        # Other plugins take longer than the tests.
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


PATCHED = """
def test_the_standard_library_is_patched():
    from gevent.monkey import is_module_patched
    assert is_module_patched('threading')
"""


def test_the_examples_of_the_page_run_without_a_conftest(tmp_path: Path) -> None:
    application, *tests = files()
    (tmp_path / "queue_app.py").write_text(application)
    (tmp_path / "test_queue.py").write_text("\n\n".join([*tests, PATCHED]))
    status, output = run(tmp_path, "-m", "pytest", "-q", "-p", plugin.__name__)
    assert status == 0, output
    # One runs with three generations, and one is not on the page.
    assert f"{''.join(tests).count('def test_') + 3} passed" in output


def test_pytest_finds_it_by_itself() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    found = setup["options.entry_points"]["pytest11"].strip()
    assert found == f"tgext.socketio = {plugin.__name__}"


UNITTEST = """
import queue_app
import unittest
from gevent.monkey import is_module_patched
from tgext.socketio.pubsub import PubSubTGNamespace
from tgext.socketio.testing import GENERATIONS, EventError, SocketIOTest

class News(PubSubTGNamespace):
    def subscribe_sports(self):
        pass

    def on_write(self, text):
        self.publish('sports', text)

class SocketIO(queue_app.SocketIO):
    news = News

queue_app.RootController.socketio = SocketIO()

class TestNews(unittest.TestCase):
    def test_a_channel_in_memory(self):
        with SocketIOTest(queue_app.make_app()) as io:
            ann, bob = io.connect('/news'), io.connect('/news')
            assert ann.emit('subscribe', 'sports') == 'sports'
            bob.emit('write', 'won')
            assert ann.expect('pubblication') == ('won',)

    def test_a_broker_is_not_waited_for(self):
        app = queue_app.make_app(**{'anypubsub.backend': 'redis'})
        with SocketIOTest(app) as io, self.assertLogs() as logs:
            with self.assertRaisesRegex(EventError, 'internal_error'):
                io.connect('/news').emit('subscribe', 'sports')
        assert 'import tgext.socketio.server before' in ''.join(logs.output)

class TestQueue(unittest.TestCase):
    def test_it(self):
        assert not is_module_patched('threading')
        app = queue_app.make_app()
        for generation in GENERATIONS:
            with SocketIOTest(app, generation) as io:
                ann, bob = (
                    io.connect('/queue', extra_environ={'REMOTE_USER': each})
                    for each in ('ann', 'bob')
                )
                assert ann.emit('claim', generation) == 'yours'
                assert bob.expect('claimed') == (generation, 'ann')
                bob.drop()
                bob.reconnect()
"""


def test_unittest_without_a_patch(tmp_path: Path) -> None:
    (tmp_path / "queue_app.py").write_text(files()[0])
    (tmp_path / "test_queue.py").write_text(UNITTEST)
    status, output = run(tmp_path, "-m", "unittest", "-q", "test_queue")
    assert status == 0, output
    assert output.splitlines()[-1] == "OK"


def test_it_patches_before_turbogears_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patched: list[int] = []
    monkeypatch.setattr("tgext.socketio.patching.patch_all", lambda: patched.append(1))
    watch = plugin.Patching()
    monkeypatch.setattr(sys, "meta_path", [watch])
    assert watch.find_spec("json", None) is None
    assert patched == []
    assert watch.find_spec("tg", None) is None
    assert watch.find_spec("transaction", None) is None
    assert patched == [1]
    assert sys.meta_path == []


@pytest.mark.parametrize(
    ("imported", "environ", "watches"),
    [
        (["json"], {}, True),
        (["json", "tg"], {}, False),  # it is too late
        (["json"], {"PYTEST_XDIST_WORKER": "gw0"}, False),
    ],
)
def test_when_it_waits_for_turbogears(
    monkeypatch: pytest.MonkeyPatch,
    imported: list[str],
    environ: dict[str, str],
    watches: bool,
) -> None:
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.setattr(plugin, "modules", dict.fromkeys(imported))
    monkeypatch.setattr(os, "environ", environ)
    plugin.pytest_load_initial_conftests()
    assert bool(sys.meta_path) is watches
