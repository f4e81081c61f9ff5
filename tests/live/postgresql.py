"""A PostgreSQL server of the tests' own, as Debian installs it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.ports import free_port

from .serving import START_DEADLINE, STOP_DEADLINE

#: Where Debian has the commands, by major version.
DEBIAN = Path("/usr/lib/postgresql")

#: The user of the server when the tests run as root: it refuses to run as root.
USER = "postgres"

#: The tests survive no power cut.
OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def _command(name: str) -> str | None:
    """A command of the newest installed version."""
    versions = sorted(DEBIAN.glob("*/bin"), key=lambda each: float(each.parent.name))
    places = [*map(str, reversed(versions)), os.environ.get("PATH", "")]
    return shutil.which(name, path=os.pathsep.join(places))


def is_installed() -> bool:
    return _command("postgres") is not None


@contextmanager
def running() -> Iterator[str]:
    """Serve an empty database, which is deleted at the end.

    :returns: the URL of the database.
    """
    # The server's user could not read the directories of pytest.
    with tempfile.TemporaryDirectory(prefix="postgresql-") as directory:
        if os.geteuid() == 0:
            shutil.chown(directory, USER, USER)
        data = Path(directory) / "data"
        initdb = ["initdb", f"--pgdata={data}", "--username=tester"]
        initdb += ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        with _start(initdb, directory, stdout=subprocess.DEVNULL) as initializing:
            assert initializing.wait() == 0
        port = free_port()
        options = (f"port={port}", "listen_addresses=127.0.0.1", *OPTIONS)
        postgres = ["postgres", "-D", str(data), "-k", directory]
        for option in options:
            postgres += ["-c", option]
        with _start(postgres, directory) as server:
            try:
                _wait_until_ready(server, port, directory)
                yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
            finally:
                _stop(server)


def _start(
    command: list[str], directory: str, **options: Any
) -> subprocess.Popen[bytes]:
    name, *arguments = command
    path = _command(name)
    assert path is not None, f"{name} of PostgreSQL is not installed"
    command = [path, *arguments]
    if os.geteuid() == 0:
        command = [
            "setpriv",
            f"--reuid={USER}",
            f"--regid={USER}",
            "--clear-groups",
            *command,
        ]
    return subprocess.Popen(command, cwd=directory, **options)


def _wait_until_ready(
    server: subprocess.Popen[bytes], port: int, directory: str
) -> None:
    probe = ["pg_isready", "--quiet", "--username=tester"]
    probe += [f"--host={directory}", f"--port={port}"]
    for _ in range(int(START_DEADLINE / 0.1)):
        with _start(probe, directory) as ready:
            if ready.wait() == 0:
                return
        try:
            code = server.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        raise RuntimeError(f"postgres exited {code}")
    raise RuntimeError(f"postgres was not ready after {START_DEADLINE} s")


def _stop(server: subprocess.Popen[bytes]) -> None:
    """PostgreSQL's fast shutdown, which does not wait for clients."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(STOP_DEADLINE)
    except subprocess.TimeoutExpired:
        server.kill()
