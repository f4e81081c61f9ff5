"""The configurations of ``deploy/``, each with its real program.

They are started as they are, with other addresses and paths.
"""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.ports import free_port

from .proxies import Proxy
from .serving import ROOT, Server, gearbox
from .system import find

DEPLOY = ROOT / "deploy"


class Front(NamedTuple):
    """Where clients reach a proxy."""

    port: int
    scheme: str = "http"
    #: The path below which the application is.
    below: str = ""

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"


def changed(text: str, changes: Mapping[str, str]) -> str:
    """A configuration with other addresses and paths; comments stay.

    :param changes: what replaces each text, which has to be there.
    """
    for old, new in changes.items():
        pattern = f"(?m)^([^#\n]*){re.escape(old)}"
        text, count = re.subn(pattern, lambda found, new=new: found[1] + new, text)
        assert count, f"there is no {old}"
    return text


def nginx_site(name: str, front: Front, upstream: int, files: tuple[Path, Path]) -> str:
    """A site of ``deploy/nginx/``.

    :param upstream: the port of the server.
    :param files: the certificate and its key.
    """
    changes = {
        "127.0.0.1:8080;": f"127.0.0.1:{upstream};",
        "upstream app": f"upstream {name}",
        "http://app": f"http://{name}",
        "include tgext": f"include {DEPLOY / 'nginx'}/tgext",
        "listen 80;": f"listen 127.0.0.1:{front.port};",
    }
    if front.scheme == "https":
        changes |= {
            # That of the redirection.
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "listen 443 ": f"listen 127.0.0.1:{front.port} ",
            "/etc/ssl/example.org.pem": str(files[0]),
            "/etc/ssl/example.org.key": str(files[1]),
        }
    return changed((DEPLOY / "nginx" / f"{name}.conf").read_text(), changes)


def haproxy(directory: Path, name: str, port: int, upstream: int) -> Proxy:
    """haproxy with a file of ``deploy/``, in front of the server on ``upstream``."""
    http = name == "haproxy"
    changes = {
        f"bind :{80 if http else 443}": f"bind 127.0.0.1:{port}",
        "maxconn 20000": "maxconn 1000",  # this process may not open so many files
        "127.0.0.1:8080": f"127.0.0.1:{upstream}",
    }
    configuration = directory / "haproxy.cfg"
    configuration.write_text(changed((DEPLOY / f"{name}.cfg").read_text(), changes))
    return Proxy(
        [_command("haproxy"), "-db", "-f", str(configuration)], port, directory
    )


def caddy(directory: Path, port: int, upstream: int) -> Proxy:
    """Caddy in front of the server on ``upstream``, without certificates."""
    changes = {
        "example.org {": f"http://:{port} {{\n\tbind 127.0.0.1",
        "127.0.0.1:8080": f"127.0.0.1:{upstream}",
    }
    text = changed((DEPLOY / "Caddyfile").read_text(), changes)
    configuration = directory / "Caddyfile"
    configuration.write_text(f"{{\n\tadmin off\n\tauto_https off\n}}\n{text}")
    return Proxy(
        [_command("caddy"), "run", "--config", str(configuration)], port, directory
    )


def _command(name: str) -> str:
    command = find(name)
    if command is None:
        pytest.skip(f"not installed: {name}")
    return command


#: Becomes another program, which gets the descriptor as systemd passes it.
HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Activated(Server):
    """A server whose listening socket is handed over, as systemd does it.

    The ini file has ``host = fd://3``.
    """

    def listen(self) -> socket.socket:
        """The socket."""
        return socket.create_server(("127.0.0.1", self.port))

    def start(self) -> None:
        with self.listen() as listener:
            number = listener.fileno()
            command = [sys.executable, "-c", HAND_OVER, str(number), *self.command]
            self.start_by(command, pass_fds=(number,))

    def wait_until_serving(self) -> None:
        """Clients may connect at once: they wait in the socket."""
        self.wait_until_logged("Starting SocketIO HTTP server on fd://3")


def systemd_units(directory: Path) -> list[Path]:
    """The units, with the paths of this machine."""
    changes = {
        "/srv/app/venv/bin/gearbox": gearbox(),
        "WorkingDirectory=/srv/app": f"WorkingDirectory={directory}",
    }
    paths = []
    for each in sorted((DEPLOY / "systemd").iterdir()):
        text = each.read_text()
        if each.suffix == ".service":
            text = changed(text, changes)
        paths.append(directory / each.name)
        paths[-1].write_text(text)
    return paths
