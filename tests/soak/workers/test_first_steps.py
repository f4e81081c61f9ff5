"""From a quickstarted project to two workers behind nginx with TLS, by the page."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import pages
from tests.certificates import make_certificate
from tests.live import nodes, recipes
from tests.live.proxies import nginx_with
from tests.live.quickstart import Project, edit
from tests.live.recipes import Activated, Front
from tests.ports import free_port
from tests.redis_server import running_redis

PAGE, SECTION = "docs/in_production.rst", "From a project to production"


def block(content: str) -> str:
    """The block of the section with this in it."""
    return pages.block(PAGE, content, section=SECTION).strip()


def production_ini(project: Project, redis: str) -> Path:
    """The configuration that the page has one write."""
    default, server, app = block("[server:main]").split("\n\n")
    assert default == "[DEFAULT]\ndebug = false"
    ini = project.home / "production.ini"
    ini.write_text(project.ini.read_text())
    edit(ini, r"^\[server:main\]\n(.+\n)+", f"{server}\n")
    _, _, options = app.replace("redis://127.0.0.1:6379", redis).partition("\n")
    edit(ini, r"^\[app:main\]\n", f"[app:main]\n{options}\n")
    return ini


class OnPath(Activated):
    """A server to which systemd gives a socket with a path."""

    @property
    def path(self) -> Path:
        return self.ini.parent / "app.sock"

    def listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.path))
        listener.listen()
        return listener


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the site is."""
    folder = tmp_path_factory.mktemp("first")
    project = Project(folder)
    project.apply_edits(free_port())
    certificate = make_certificate(folder)
    front = Front(free_port(), "https")
    with ExitStack() as running:
        redis = running.enter_context(running_redis(folder))
        ini = production_ini(project, redis.url)
        where = {"cwd": project.home, "importable": (project.home,)}
        server = running.enter_context(OnPath(ini, folder / "log", **where))
        server.wait_until_logged("2 workers")
        site = recipes.nginx_site("tls", front, 8080, certificate)
        assert "s/127.0.0.1:8080/unix:" in block("sed -i")
        site = site.replace("127.0.0.1:8080", f"unix:{server.path}")
        running.enter_context(nginx_with(folder, front.port, site))
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("NODE_EXTRA_CA_CERTS", str(certificate[0]))
            yield front.url
    assert "Traceback" not in server.output


@pytest.mark.parametrize(("client", "transport"), nodes.CONNECTIONS)
def test_every_client_plays(
    client: str, transport: str, url: str, node_clients: Path
) -> None:
    play = nodes.player(node_clients, url, client, transport)
    assert play("ping", "fireball") == {
        "ping": {"sound": {"sound": "pong"}},
        "fireball": {"sounds": ["bang!"] * 10 + ["pong"]},
    }
