"""The application of the soak test, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.live.serving import APPLICATIONS, ROOT, Server
from tests.redis_server import running_redis

INI = Path(__file__).resolve().parent / "application.ini"


@contextmanager
def serving(
    directory: Path, redis: bool = False, most: int = 10_000, heartbeat: int = 3
) -> Iterator[Server]:
    """The application, in a process of its own.

    :param redis: whether channels go over Redis.
    :param most: the server's ``max_connections``.
    :param heartbeat: seconds between pings, and for the answer to one.
    """
    ini = directory / "soak.ini"
    text = INI.read_text()
    variables = {
        "most": most,
        "backend": "redis" if redis else "memory",
        "heartbeat": heartbeat,
    }
    if redis:
        with running_redis(directory) as broker:
            lines = f"%(backend)s\nanypubsub.port = {broker.port}"
            ini.write_text(text.replace("%(backend)s", lines))
            with _server(ini, directory, variables) as server:
                yield server
    else:
        ini.write_text(text)
        with _server(ini, directory, variables) as server:
            yield server


def _server(ini: Path, directory: Path, variables: dict[str, Any]) -> Server:
    return Server(
        ini,
        directory / "server.log",
        importable=(*APPLICATIONS, ROOT),
        variables=variables,
    )
