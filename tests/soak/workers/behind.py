"""Servers with several workers, and proxies that send each request to any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.live import proxies, recipes
from tests.live.crowds import wait_until
from tests.live.proxies import NGINX_CONFIGURATIONS, Proxy
from tests.live.serving import APPLICATIONS, LAB, ROOT, Server
from tests.ports import free_port
from tests.redis_server import running_redis


def _recipe(directory: Path, upstream: int) -> Proxy:
    front = recipes.Front(free_port())
    none = (Path(), Path())  # it has no certificate
    site = recipes.nginx_site("plain", front, upstream, none)
    return proxies.nginx_with(directory, front.port, site)


def _each_time_anew(directory: Path, upstream: int) -> Proxy:
    return proxies.nginx(directory, upstream, *NGINX_CONFIGURATIONS["map"])


#: By name: nginx as in deploy/, over connections that it keeps for whatever comes next;
#: nginx with a new connection for each request; haproxy, which keeps them, too.
PROXIES: dict[str, Callable[[Path, int], Proxy]] = {
    "nginx": _recipe,
    "nginx-anew": _each_time_anew,
    "haproxy": proxies.haproxy,
}

#: How many workers are behind which proxy.
ARRANGEMENTS = [
    *((count, proxy) for count in (2, 4) for proxy in ("nginx", "haproxy")),
    (2, "nginx-anew"),
]


class Behind(NamedTuple):
    """What clients see of a server with several workers.

    :ivar url: that of the proxy.
    :ivar server: what is behind it.
    :ivar shared: a folder for what the processes share.
    """

    url: str
    port: int
    server: Server
    shared: Path

    @property
    def handed_over(self) -> int:
        """How many requests were handed over."""
        counter = self.shared / "handed-over"
        return counter.stat().st_size if counter.exists() else 0


def served_by(server: Server) -> int:
    """How many workers have begun to serve."""
    return server.output.count(" serves")


@contextmanager
def serving(
    folder: Path, application: str, workers: int, proxy: str = "", options: str = ""
) -> Iterator[Behind]:
    """Serve an application with workers and a Redis, until the block ends.

    :param application: its factory, as PasteDeploy writes it.
    :param proxy: what is in front; without one, clients connect to the workers.
    :param options: further lines of ``[server:main]``.
    """
    with running_redis(folder) as redis:
        app: Sequence[str] = (
            application,
            f"shared = {folder}",
            "socketio.cluster = true",
            "anypubsub.backend = redis",
            f"anypubsub.host = {redis.url}",
        )
        ini = folder / "workers.ini"
        text = LAB.read_text().replace("lab:make_app", "\n".join(app))
        added = f"{options}\nworkers = {workers}\nhost ="
        ini.write_text(text.replace("host =", added, 1))
        importable = (*APPLICATIONS, ROOT)
        with Server(ini, folder / "log", importable=importable) as server:
            for number in range(workers):
                wait_until(lambda n=number: served_by(server) > n, "all serve")
            if not proxy:
                yield Behind(server.url, server.port, server, folder)
                return
            with PROXIES[proxy](folder, server.port) as front:
                yield Behind(front.url, front.port, server, folder)
