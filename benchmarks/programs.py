"""The servers that run.py starts, in environments that are made once."""

from __future__ import annotations

import atexit
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
SERVERS = HERE / "servers"
CACHE = HERE / ".cache"
LOAD = CACHE / "load"
FLOOR = CACHE / "floor"

SERVER_CORE, LOAD_CORE = "0", "1"

# All servers on gevent use the same version of it: its progress is not ours.
GEVENT = "gevent==26.9.0"
PYTHON_SOCKETIO = "python-socketio==5.18.1"
PEER_PACKAGES = (
    PYTHON_SOCKETIO,
    GEVENT,
    "gevent-websocket==0.10.1",
    "redis==8.1.0",
    "Flask-SocketIO==5.7.0",
    "Flask==3.1.3",
)
# Without gevent-websocket, which python-socketio prefers to simple-websocket.
SIMPLE_PACKAGES = (PYTHON_SOCKETIO, GEVENT, "simple-websocket==1.1.0")
FORK_PACKAGES = (
    GEVENT,
    "gevent-websocket==0.10.1",
    "gevent-socketio-hartwork==0.3.6.post201803091952",
)
ASGI_PACKAGES = (
    PYTHON_SOCKETIO,
    "uvicorn==0.54.0",
    "uvloop==0.23.0",
    "websockets==17.4",
    "httptools",
)
RAW_PACKAGES = (
    GEVENT,
    "gevent-websocket==0.10.1",
    "websockets==17.4",
    "picows==2.3.1",
    "uvloop==0.23.0",
    "socketify==0.0.31",
)
OUR_PACKAGES = (
    GEVENT,
    "TurboGears2==2.5.1",
    "gearbox==0.5.0",
    "orjson==3.13.0",
    "prometheus_client==0.26.0",
    "anypubsub==0.6",
    "redis==8.1.0",
)
FULL_STACK_PACKAGES = (
    "Beaker==1.14.1",
    "repoze.who==3.2.0",
    "SQLAlchemy==2.1.9",
    "transaction==5.1",
    "zope.sqlalchemy==4.1",
)


class BenchmarkError(Exception):
    """A server could not be measured."""


def call(command: list[str], *, cwd: Path = HERE) -> str:
    """Run a command and return its output."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    except OSError as error:
        raise BenchmarkError(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise BenchmarkError(said[-2000:])
    return done.stdout


# Preparations


def build_programs() -> None:
    """Compile the load generator and the floor if they are out of date.

    Each is in a folder of the same name. With ``-flto``, calls between modules are as
    fast as calls within a module.
    """
    for program in (LOAD, FLOOR):
        folder = HERE / program.name
        newest = max(each.stat().st_mtime for each in folder.iterdir())
        if not program.exists() or program.stat().st_mtime < newest:
            sources = sorted(str(each) for each in folder.glob("*.c"))
            flags = ["-O2", "-flto", "-Wall", "-Wextra"]
            call(["cc", *flags, "-o", str(program), *sources])


def python_environment(name: str, arguments: list[str], key: str = "") -> Path:
    """The directory of commands of a virtual environment with these packages.

    It is made again when the packages, the version of Python or `key` have changed.
    """
    home = CACHE / name
    stamp = home / "made-with.txt"
    wanted = "\n".join([platform.python_version(), *arguments, key])
    if not stamp.exists() or stamp.read_text() != wanted:
        call([sys.executable, "-m", "venv", "--clear", str(home)])
        call([str(home / "bin" / "pip"), "install", "--quiet", *arguments])
        stamp.write_text(wanted)
    return home / "bin"


def our_environment(name: str = "ours", packages: tuple[str, ...] = ()) -> Path:
    # Installed editable, so only a change of the metadata needs a new environment.
    metadata = (PROJECT / "setup.cfg").read_text()
    arguments = ["--editable", f"{PROJECT}[speed,redis]", *OUR_PACKAGES, *packages]
    return python_environment(name, arguments, key=metadata)


def full_stack_environment() -> Path:
    return our_environment("full-stack", FULL_STACK_PACKAGES)


def peer_environment() -> Path:
    return python_environment("python-socketio", list(PEER_PACKAGES))


def simple_environment() -> Path:
    return python_environment("python-socketio-simple", list(SIMPLE_PACKAGES))


def asgi_environment() -> Path:
    return python_environment("python-socketio-asgi", list(ASGI_PACKAGES))


def fork_environment() -> Path:
    return python_environment("gevent-socketio", list(FORK_PACKAGES))


def raw_peer_environment() -> Path:
    return python_environment("raw-peers", list(RAW_PACKAGES))


def npm_packages(folder: str) -> Path:
    """The folder of servers, with the packages that its lock file names."""
    home = SERVERS / folder
    stamp = home / "node_modules" / ".made-with.json"
    lock = (home / "package-lock.json").read_text()
    if not stamp.exists() or stamp.read_text() != lock:
        call(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=home)
        stamp.write_text(lock)
    return home


def bun_program(script: str) -> list[str]:
    """The command of a script on Bun, which is a package of npm itself."""
    home = npm_packages("bun")
    program = home / "node_modules" / "@oven" / "bun-linux-x64" / "bin" / "bun"
    return [str(program), str(home / script)]


# The servers


@cache
def redis_url() -> str:
    """The URL of a Redis for this run, on the core of the load generator."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--dir", str(CACHE)]
    try:
        process = subprocess.Popen(
            ["taskset", "-c", LOAD_CORE, *command], stdout=subprocess.DEVNULL
        )
    except OSError as error:
        raise BenchmarkError(f"redis-server: {error.strerror}") from error
    atexit.register(stop, process)
    wait_for(process, port, CACHE / "redis.log")
    return f"redis://127.0.0.1:{port}/0"


def ours(
    port: int, redis: bool = False, cluster: bool = False, metrics: bool = False
) -> list[str]:
    gearbox = str(our_environment() / "gearbox")
    backend = "redis" if redis else "memory"
    url = redis_url() if redis else ""
    options = [f"http_port={port}", f"backend={backend}", f"redis={url}"]
    options += [f"cluster={cluster}", f"metrics={metrics}"]
    return [gearbox, "serve", "-c", "ours.ini", *options]


def presence(port: int, members: int) -> list[str]:
    """No server: it measures itself."""
    return [str(our_environment() / "python"), str(HERE / "presence.py"), str(members)]


def handover(port: int) -> list[str]:
    """It starts its servers itself."""
    return [str(our_environment() / "python"), str(HERE / "handover.py")]


def engine(port: int) -> list[str]:
    return [str(our_environment() / "python"), "engine_app.py", str(port)]


def full_stack(
    port: int, no_session_touch: bool = False, identity_ttl: int = 0
) -> list[str]:
    gearbox = str(full_stack_environment() / "gearbox")
    return [
        *(gearbox, "serve", "-c", "full_stack.ini"),
        f"http_port={port}",
        f"data={CACHE}",
        f"no_session_touch={no_session_touch}",
        f"identity_ttl={identity_ttl}",
    ]


def bare_gevent(port: int) -> list[str]:
    return [str(our_environment() / "python"), "bare_gevent.py", str(port)]


def floor(port: int) -> list[str]:
    return [str(FLOOR), str(port)]


def python_socketio(port: int, redis: bool = False) -> list[str]:
    python = str(peer_environment() / "python")
    urls = [redis_url()] if redis else []
    return [python, "python_socketio_gevent.py", str(port), *urls]


def python_socketio_simple(port: int) -> list[str]:
    return [
        *(str(simple_environment() / "python"), "python_socketio_gevent.py"),
        str(port),
    ]


def python_socketio_uvicorn(port: int) -> list[str]:
    python = str(asgi_environment() / "python")
    return [python, "python_socketio_uvicorn.py", str(port)]


def gevent_socketio(port: int) -> list[str]:
    python = str(fork_environment() / "python")
    return [python, "gevent_socketio_fork.py", str(port)]


def flask_socketio(port: int) -> list[str]:
    return [str(peer_environment() / "python"), "flask_socketio_gevent.py", str(port)]


def node(
    port: int, redis: bool = False, recovery: bool = False, streams: bool = False
) -> list[str]:
    options = ["--recovery"] * recovery + ["--streams"] * streams
    if redis:
        options.append(f"--redis={redis_url()}")
    return ["node", str(npm_packages("node") / "server.js"), str(port), *options]


def bun(port: int) -> list[str]:
    return [*bun_program("server.js"), str(port)]


def wsgi(port: int) -> list[str]:
    return [str(our_environment() / "python"), "raw_wsgi.py", str(port)]


def gevent_websocket(port: int) -> list[str]:
    python = str(raw_peer_environment() / "python")
    return [python, "raw_gevent_websocket.py", str(port)]


def websockets(port: int) -> list[str]:
    return [str(raw_peer_environment() / "python"), "raw_websockets.py", str(port)]


def ws(port: int, native: bool = False) -> list[str]:
    addons = ["native"] if native else []
    return ["node", str(npm_packages("node") / "raw_ws.js"), str(port), *addons]


def picows(port: int) -> list[str]:
    return [str(raw_peer_environment() / "python"), "raw_picows.py", str(port)]


def socketify(port: int) -> list[str]:
    return [str(raw_peer_environment() / "python"), "raw_socketify.py", str(port)]


def bun_raw(port: int) -> list[str]:
    return [*bun_program("raw.js"), str(port)]


@dataclass(frozen=True)
class Server:
    """A server to measure. Making its command installs what the server needs."""

    name: str
    path: str
    command: Callable[[int], list[str]]
    namespace: str = "/bench"
    signs_in: bool = False
    #: Whether each event ends with a position: see ``--positions`` of the load.
    positions: bool = False
    #: Whether its metrics are read, every 15 seconds as Prometheus does.
    is_scraped: bool = False
    #: Another checkout from which tgext.socketio is imported.
    checkout: str = ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return once the server listens."""
    deadline = time.monotonic() + 30
    while not answers(port):
        if process.poll() is not None:
            said = log.read_text(errors="replace").strip()
            raise BenchmarkError(f"the server ended: {said[-2000:]}")
        if time.monotonic() > deadline:
            raise BenchmarkError(f"the server does not listen after 30 s, see {log}")
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def running(server: Server) -> Iterator[tuple[int, int]]:
    """The server, started on its core: its port and process id."""
    port = free_port()
    command = ["taskset", "-c", SERVER_CORE, *server.command(port)]
    log = CACHE / f"{server.name.replace(' ', '-')}.log"
    # gearbox imports ours_app from there; the other servers do not need it.
    places = filter(None, [server.checkout, str(SERVERS)])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=SERVERS, env=environment, stdout=output, stderr=output
        )
    try:
        wait_for(process, port, log)
        # taskset becomes the server, so this is the server's process id.
        yield port, process.pid
    finally:
        stop(process)


@contextmanager
def scraped(port: int) -> Iterator[None]:
    """Read the metrics at once, and every 15 seconds, as Prometheus does by default."""
    url = f"http://127.0.0.1:{port}/metrics"
    command = (
        "while curl -sSf -o /dev/null -H 'Authorization: Bearer a secret of 16 "
        f"characters' {url}; do sleep 15; done"
    )
    process = subprocess.Popen(["taskset", "-c", LOAD_CORE, "sh", "-c", command])
    try:
        yield
        if process.poll() is not None:
            raise BenchmarkError("the metrics could not be read")
    finally:
        stop(process)


def sign_in(port: int) -> str:
    """Log in as a browser does, and begin a session; returns the cookies."""
    jar = CookieJar()
    form = urlencode({"login": "manager", "password": "managepass"}).encode()
    browser = build_opener(HTTPCookieProcessor(jar))
    try:
        browser.open(f"http://127.0.0.1:{port}/login_handler", form, 30).close()
    except OSError as error:
        raise BenchmarkError(f"login: {error}") from error
    return "; ".join(f"{each.name}={each.value}" for each in jar)
