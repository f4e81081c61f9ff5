"""Real proxies in front of a server: nginx, haproxy and Apache, each a process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

import pytest

from tests.ports import free_port

from .system import find

#: Seconds for a proxy to take connections.
START_DEADLINE = 20.0

#: A configuration with which nginx runs as any user, in a separate directory.
NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log info;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {sites}
}}
"""

SITE = """
    {http}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_buffering {buffering};
            proxy_set_header Host {host};
            {location}
        }}
    }}
"""

#: By name, the directives in nginx' ``http`` and in its ``location``.
NGINX_CONFIGURATIONS = {
    # As the documentation of Socket.IO has it.
    "constant": (
        "",
        """
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_pass http://127.0.0.1:{upstream};
        """,
    ),
    # As nginx' own documentation has it.
    "map": (
        "map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}",
        """
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_pass http://127.0.0.1:{upstream};
        """,
    ),
    "keepalive": (
        """
        map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
        upstream sockets {{ server 127.0.0.1:{upstream}; keepalive 8; }}
        """,
        """
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_pass http://sockets;
        """,
    ),
    # It passes on no WebSocket.
    "plain": ("", "proxy_pass http://127.0.0.1:{upstream};"),
}

HAPROXY = """
global
    maxconn 1000
defaults
    mode http
    option http-keep-alive
    http-reuse always
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
frontend front
    bind 127.0.0.1:{port}
    default_backend sockets
backend sockets
    balance roundrobin
    {servers}
"""


#: As Apache's own documentation has it, since 2.4.47.
APACHE = """
ServerRoot {directory}
ServerName localhost
PidFile {directory}/apache.pid
ErrorLog {directory}/error.log
Listen 127.0.0.1:{port}
{modules}
User www-data
Group www-data
ProxyPreserveHost {preserve}
ProxyPass / http://127.0.0.1:{upstream}/ upgrade=websocket
"""
APACHE_MODULES = Path("/usr/lib/apache2/modules")
APACHE_LOADS = ("mpm_event", "authz_core", "proxy", "proxy_http", "proxy_wstunnel")


class Proxy:
    """``with Proxy(command) as proxy``: takes connections once entered.

    :param command: runs it in the foreground.
    :param port: where it listens.
    :param directory: where it writes.
    """

    def __init__(self, command: list[str], port: int, directory: Path) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._command = command
        self._home = str(directory)  # Caddy writes there
        self._output = directory / "output.log"

    def __enter__(self) -> Proxy:
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                self._command,
                env={**os.environ, "HOME": self._home, "XDG_DATA_HOME": self._home},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_DEADLINE
        while not self._listens():
            ended = self._process.poll() is not None
            assert not ended, f"it ended: {self._output.read_text()}"
            assert time.monotonic() < deadline, "it does not listen"
            time.sleep(0.02)
        return self

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            # Some wait for connections that they keep.
            self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def site(
    port: int,
    upstream: int,
    http: str,
    location: str,
    host: str = "$http_host",
    buffering: str = "off",
) -> str:
    """A site of nginx in front of a server.

    :param port: where it listens.
    :param upstream: the port of the server; ``{upstream}`` in the next two.
    :param http: what stands in the ``http`` block, braces doubled.
    :param location: what stands in the ``location`` block.
    :param host: the Host that the server sees.
    :param buffering: nginx' default is ``on``.
    """
    return SITE.format(
        port=port,
        http=http.format(upstream=upstream),
        location=location.format(upstream=upstream),
        host=host,
        buffering=buffering,
    )


def nginx_with(directory: Path, port: int, *sites: str) -> Proxy:
    """nginx with these sites, one of which listens on ``port``."""
    command = _command("nginx")
    configuration = directory / "nginx.conf"
    text = NGINX.format(directory=directory, sites="\n".join(sites))
    configuration.write_text(text)
    arguments = [command, "-c", str(configuration), "-p", str(directory)]
    arguments += ["-e", str(directory / "first.log")]
    return Proxy(arguments, port, directory)


def nginx(directory: Path, upstream: int, http: str, location: str) -> Proxy:
    """nginx with one site; for the parameters see :func:`site`."""
    port = free_port()
    return nginx_with(directory, port, site(port, upstream, http, location))


def haproxy(directory: Path, *upstreams: int) -> Proxy:
    """haproxy in front of servers with these ports, each in its turn."""
    command = _command("haproxy")
    port = free_port()
    configuration = directory / "haproxy.cfg"
    servers = [f"server s{each} 127.0.0.1:{each}" for each in upstreams]
    text = HAPROXY.format(port=port, servers="\n    ".join(servers))
    configuration.write_text(text)
    return Proxy([command, "-db", "-f", str(configuration)], port, directory)


def apache(directory: Path, upstream: int, preserve: bool) -> Proxy:
    """Apache in front of a server.

    :param upstream: the port of the server.
    :param preserve: whether it passes on the Host of its clients.
    """
    command = _command("apache2")
    port = free_port()
    modules = [
        f"LoadModule {each}_module {APACHE_MODULES}/mod_{each}.so"
        for each in APACHE_LOADS
    ]
    text = APACHE.format(
        directory=directory,
        port=port,
        modules="\n".join(modules),
        preserve="On" if preserve else "Off",
        upstream=upstream,
    )
    configuration = directory / "apache.conf"
    configuration.write_text(text)
    return Proxy([command, "-f", str(configuration), "-DFOREGROUND"], port, directory)


def _command(name: str) -> str:
    command = find(name)
    if command is None:
        pytest.skip(f"not installed: {name}")
    return command
