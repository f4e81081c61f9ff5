"""Prepares a machine for the tests: what they need beyond Python.

tox runs it before the tests, often, and in several environments at the same time, so
it installs only what is missing. As root on Debian it installs packages. Elsewhere it
names the missing programs, and the tests that need them are skipped.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent

#: Folders with packages of npm: the clients, the parsers that are compared with, and
#: the pages of Socket.IO Admin UI.
CLIENTS = HERE / "clients"
ORACLES = HERE / "oracles"
ADMIN_UI = HERE / "adminui"

#: A command of each package.
PACKAGES = {
    "redis-server": "redis-server",
    "chromium": "chromium",
    "chromium-driver": "chromedriver",
    "nodejs": "node",
    "openssl": "openssl",
    "npm": "npm",
    "postgresql": "pg_ctlcluster",
    "nginx": "nginx",
    "haproxy": "haproxy",
    "apache2": "apache2",
    "caddy": "caddy",
    "systemd": "systemd-analyze",
}

#: The commands for tests that run only when they are named on the command line.
OTHERS = {"rabbitmq-server": "rabbitmq-server"}

#: The files that determine the content of node_modules.
MANIFESTS = ("package.json", "package-lock.json", ".npmrc")

NPM_CI = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")


#: Where servers are, which need not be on a user's PATH.
SERVERS = "/usr/sbin:/usr/local/sbin"


def find(command: str) -> str | None:
    """The path of a command, or of a server; None if it is not installed."""
    return shutil.which(command) or shutil.which(command, path=SERVERS)


def missing_packages(others: Sequence[str] = ()) -> list[str]:
    wanted = {**PACKAGES, **{name: OTHERS[name] for name in others}}
    return [name for name, command in wanted.items() if not find(command)]


def may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_packages(names: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update"],
        ["apt-get", "install", "--yes", "--no-install-recommends", *names],
    ):
        subprocess.run(command, env=environment, check=True)


def manifests_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in MANIFESTS:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def is_installed(folder: Path) -> bool:
    stamp = folder / "node_modules" / ".digest"
    return stamp.is_file() and stamp.read_text() == manifests_digest(folder)


def install(folder: Path) -> None:
    """Install the lock file's packages. After an interrupted run it starts again."""
    if is_installed(folder):
        return
    # npm ci removes node_modules, the stamp included, before it installs.
    subprocess.run(NPM_CI, cwd=folder, check=True)
    (folder / "node_modules" / ".digest").write_text(manifests_digest(folder))


@contextmanager
def alone() -> Iterator[None]:
    """Keep other processes from installing at the same time."""
    with (CLIENTS / "package.json").open() as manifest:
        fcntl.flock(manifest, fcntl.LOCK_EX)
        yield


def main(others: Sequence[str] = ()) -> int:
    with alone():
        return prepare(others)


def prepare(others: Sequence[str]) -> int:
    missing = missing_packages(others)
    if missing and may_install():
        install_packages(missing)
    elif missing:
        print("missing, and not installed:", " ".join(missing))
    if shutil.which("npm"):
        for folder in (CLIENTS, ORACLES, ADMIN_UI):
            install(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
