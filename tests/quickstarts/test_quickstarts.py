"""Every form of project that gearbox makes, with the edits of docs/start.rst."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.live import nodes
from tests.live.quickstart import Browser, Project, replace
from tests.live.serving import Server, gearbox
from tests.ports import free_port

from .conftest import quickstart
from .forms import COMMANDS, OPTIONS, Form

#: The oldest client and the newest.
CLIENTS = ("0.9", "4")


@pytest.mark.parametrize("command", COMMANDS)
def test_no_option_of_gearbox_is_left_out(command: str) -> None:
    asked = subprocess.run(
        [gearbox(), command, "--help"], capture_output=True, encoding="utf-8"
    )
    assert set(re.findall(r"--[a-z-]+", asked.stdout)) == OPTIONS


class TestForm:
    def test_its_page_is_served(self, form: Form, server: Server) -> None:
        page = Browser(server.url).visit("/")
        assert page == "Hello World" if form.minimal else "</html>" in page

    @pytest.mark.parametrize("client", CLIENTS)
    def test_the_namespace_of_the_page_answers(
        self, server: Server, node_clients: Path, client: str
    ) -> None:
        play = nodes.player(node_clients, server.url, client, "websocket")
        assert play("ping", "fireball") == {
            "ping": {"sound": {"sound": "pong"}},
            "fireball": {"sounds": ["bang!"] * 10 + ["pong"]},
        }

    @pytest.mark.parametrize("client", CLIENTS)
    def test_an_event_knows_who_logged_in(
        self, form: Form, server: Server, node_clients: Path, client: str
    ) -> None:
        browser = Browser(server.url)

        def asked() -> Any:
            connection = {"client": client, "transport": "websocket"}
            where = {"url": server.url, "namespace": "/who", "cookie": browser.cookies}
            return nodes.run(
                node_clients, "ask.js", **connection, **where, event="who"
            )["who"]

        assert asked() == [None]
        if form.has_login:
            browser.visit("/login_handler", login="manager", password="managepass")
            assert asked() == ["manager"]

    def test_its_debug_mode_can_be_allowed(
        self, project: Project, server: Server, node_clients: Path, tmp_path: Path
    ) -> None:
        ini, port = project.home / "debug.ini", free_port()
        text = replace("^debug = false$", "debug = true", project.ini.read_text())
        served = f"port = {port}\nallow_debug = true"
        ini.write_text(replace(f"^port = {project.port}$", served, text))
        where = {"cwd": server.cwd, "importable": server.importable}
        with Server(ini, tmp_path / "server.log", port=port, **where) as debugging:
            play = nodes.player(node_clients, debugging.url, "4", "websocket")
            assert play("ping") == {"ping": {"sound": {"sound": "pong"}}}
            console = Browser(debugging.url).visit("/__console__")
            assert "Interactive Console" in console

    # The last, because the tests of some forms empty the database of development.ini.
    def test_its_own_tests_pass(
        self, form: Form, project: Project, tmp_path: Path
    ) -> None:
        failed = project.failing_tests()
        if failed:
            failed -= quickstart(form, tmp_path).failing_tests()
        # Some forms just run enough of their code, and none tests what was added.
        assert failed <= {"coverage"}
