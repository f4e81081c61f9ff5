"""Listening sockets: on ports, on paths, and handed over by systemd."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import re
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path as FilePath
from typing import Any

import pytest
from gevent import socket

from tgext.socketio.engine.io.listening import (
    LONGEST_PATH,
    Descriptor,
    Path,
    Place,
    Port,
    place_of,
)

from ..conftest import Serve

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"


def ask(family: int, address: Any) -> bytes:
    """The answer to a request for a page."""
    with closing(socket.socket(family)) as client:
        client.connect(address)
        client.sendall(REQUEST)
        return b"".join(iter(lambda: client.recv(65536), b""))


def served(serve: Serve, listener: Any) -> dict[str, Any]:
    """What the application of a server that listens there sees of a request."""
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.update(environ)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"a page"]

    server = serve(application=application, listener=listener).server
    target = server.address
    if server.family == socket.AF_INET6 and target[0] == "::":
        answer = ask(socket.AF_INET, ("127.0.0.1", target[1]))
    else:
        answer = ask(server.family, target)
    assert answer.endswith(b"a page")
    return seen


@pytest.fixture
def path(tmp_path: FilePath) -> str:
    return str(tmp_path / "app.sock")


# Options


@pytest.mark.parametrize(
    ("host", "kind", "url"),
    [
        ("127.0.0.1", Port, "http://127.0.0.1:80"),
        ("localhost", Port, "http://localhost:80"),
        ("::1", Port, "http://[::1]:80"),
        ("[::1]", Port, "http://[::1]:80"),
        ("::", Port, "http://[::]:80"),
        ("unix:/run/app.sock", Path, "unix:/run/app.sock"),
        ("unix:app.sock", Path, "unix:app.sock"),
        ("fd://3", Descriptor, "fd://3"),
    ],
)
def test_the_option_names_a_place(host: str, kind: type[Place], url: str) -> None:
    place = place_of(host, 80)
    assert type(place) is kind
    assert place.url("http") == url


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("unix:", "host: the path in 'unix:' is empty"),
        ("unix:" + "x" * 108, f"has more than {LONGEST_PATH} bytes"),
        ("unix:" + "ä" * 54, f"has more than {LONGEST_PATH} bytes"),
        ("fd://", "host: 'fd://' is not fd://3, or a higher number"),
        ("fd://x", "host: 'fd://x' is not fd://3"),
        ("fd://-1", "host: 'fd://-1' is not fd://3"),
        ("fd://3/", "host: 'fd://3/' is not fd://3"),
        ("fd://" + "9" * 5000, "is not fd://3"),
    ],
)
def test_an_invalid_place_is_named(host: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^host: .*{re.escape(message[6:])}"):
        place_of(host)


@pytest.mark.parametrize("owner", ["nobody-here", ":nogroup-here", "root:nogroup-here"])
def test_an_owner_that_does_not_exist_is_named(path: str, owner: str) -> None:
    with pytest.raises(ValueError, match=f"^socket_owner: '{owner}' is not user:group"):
        place_of(f"unix:{path}", owner=owner)


# Ports


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "::1", "::"])
def test_a_port_is_served(serve: Serve, host: str) -> None:
    seen = served(serve, (host, 0))
    assert seen["SERVER_NAME"].strip("[]") == host.strip("[]")
    assert int(seen["SERVER_PORT"]) > 0


def test_an_ipv4_client_of_an_ipv6_port_has_its_ipv4_address(serve: Serve) -> None:
    """Limits per address and logs would take it for another client."""
    assert served(serve, ("::", 0))["REMOTE_ADDR"] == "127.0.0.1"


def test_processes_share_a_port() -> None:
    with closing(Port("127.0.0.1", 0).listen(shared=True)) as first:
        port = first.getsockname()[1]
        Port("127.0.0.1", port).listen(shared=True).close()
        with pytest.raises(OSError, match=str(errno.EADDRINUSE)):
            Port("127.0.0.1", port).listen()


# Paths


def test_a_path_is_served_and_removed_at_the_end(serve: Serve, path: str) -> None:
    live = serve(listener=Path(path))
    assert ask(socket.AF_UNIX, path).endswith(b"a page")
    live.server.stop()
    assert not os.path.exists(path)
    live.server.start()
    assert ask(socket.AF_UNIX, path).endswith(b"a page")


def test_an_application_knows_a_server_also_on_a_path(serve: Serve, path: str) -> None:
    """WSGI (PEP 3333): SERVER_NAME and SERVER_PORT are never empty."""
    seen = served(serve, (f"unix:{path}", 0))
    assert (seen["SERVER_NAME"], seen["SERVER_PORT"]) == ("localhost", "80")
    assert "REMOTE_PORT" not in seen


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_the_mode_is_that_of_the_option(path: str, mode: int) -> None:
    with closing(place_of(f"unix:{path}", mode=mode).listen()):
        assert stat.S_IMODE(os.stat(path).st_mode) == mode


def test_the_owner_is_that_of_the_option(path: str) -> None:
    user, group = pwd.getpwuid(os.getuid()), grp.getgrgid(os.getgid())
    owners = {
        user.pw_name: (user.pw_uid, group.gr_gid),
        f":{group.gr_name}": (user.pw_uid, group.gr_gid),
        f"{user.pw_name}:{group.gr_name}": (user.pw_uid, group.gr_gid),
    }
    if os.geteuid() == 0:
        other = pwd.getpwnam("nobody")
        nobodys = grp.getgrgid(other.pw_gid).gr_name
        owners = {
            "nobody": (other.pw_uid, 0),
            f":{nobodys}": (0, other.pw_gid),
            f"nobody:{nobodys}": (other.pw_uid, other.pw_gid),
        }
    for owner, expected in owners.items():
        place = place_of(f"unix:{path}", owner=owner)
        with closing(place.listen()):
            found = os.stat(path)
            assert (found.st_uid, found.st_gid) == expected
            place.remove()


def test_the_file_of_a_dead_server_is_replaced(serve: Serve, path: str) -> None:
    Path(path).listen().close()
    assert os.path.exists(path)
    serve(listener=Path(path))
    assert ask(socket.AF_UNIX, path).endswith(b"a page")


@pytest.mark.parametrize("busy", [False, True])
def test_the_file_of_a_living_server_stays(path: str, busy: bool) -> None:
    with (
        closing(Path(path).listen(backlog=0)) as living,
        closing(socket.socket(1)) as c,
    ):
        if busy:  # its queue is full
            c.connect(path)
        before = os.stat(path).st_ino
        with pytest.raises(OSError, match="another program listens there"):
            Path(path).listen()
        assert os.stat(path).st_ino == before
        assert living.fileno() >= 0


def test_a_file_that_is_not_a_socket_stays(path: str) -> None:
    FilePath(path).write_text("precious")
    with pytest.raises(OSError, match="there is a file that is not a socket"):
        Path(path).listen()
    assert FilePath(path).read_text() == "precious"


def test_the_file_of_the_next_server_stays(path: str) -> None:
    old, new = Path(path), Path(path)
    sock = old.listen()
    os.unlink(path)
    with closing(new.listen()), closing(sock):
        old.remove()
        assert os.path.exists(path)
        new.remove()
        assert not os.path.exists(path)
        new.remove()


def test_a_socket_that_cannot_be_made_leaves_no_file(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", fail)
    with pytest.raises(PermissionError):
        Path(path).listen()
    assert not os.path.exists(path)


# Handed over


@pytest.fixture
def given() -> Iterator[Any]:
    """A socket that listens, as systemd hands it over."""
    with closing(Port("127.0.0.1", 0).listen()) as sock:
        yield sock


def activated(sock: Any, **variables: str) -> Descriptor:
    number = sock.fileno()
    count, pid = str(number - 2), str(os.getpid())
    return Descriptor(number, {"LISTEN_FDS": count, "LISTEN_PID": pid, **variables})


def test_a_socket_that_is_handed_over_is_served(serve: Serve, given: Any) -> None:
    os.set_inheritable(given.fileno(), True)
    seen = served(serve, activated(given))
    assert seen["SERVER_NAME"] == "127.0.0.1"
    assert int(seen["SERVER_PORT"]) == given.getsockname()[1]
    # The programs that the application starts have no use for it.
    assert not os.get_inheritable(given.fileno())


def test_clients_wait_in_it_while_the_server_restarts(serve: Serve, given: Any) -> None:
    live = serve(listener=activated(given))
    live.server.stop()
    with closing(socket.create_connection(given.getsockname())) as client:
        client.sendall(REQUEST)
        live.server.start()
        answer = b"".join(iter(lambda: client.recv(65536), b""))
        assert answer.endswith(b"a page")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"LISTEN_PID": "1"}, "LISTEN_PID is '1', and this is process "),
        ({"LISTEN_PID": ""}, "LISTEN_PID is '', and this is process "),
        ({"LISTEN_FDS": "0"}, "LISTEN_FDS is '0', and the first descriptor is 3"),
        ({"LISTEN_FDS": "-1"}, "LISTEN_FDS is '-1', and"),
        ({"LISTEN_FDS": "many"}, "LISTEN_FDS is 'many', and"),
    ],
)
def test_a_socket_for_another_process_is_refused(
    given: Any, variables: dict[str, str], message: str
) -> None:
    with pytest.raises(OSError, match=f"systemd has not handed it over: {message}"):
        activated(given, **variables).listen()


def test_without_systemd_it_is_refused(given: Any) -> None:
    with pytest.raises(OSError, match="LISTEN_FDS and LISTEN_PID are not set"):
        Descriptor(given.fileno(), {}).listen()
    with pytest.raises(OSError, match="the first descriptor is 3"):
        Descriptor(2, {"LISTEN_FDS": "9", "LISTEN_PID": str(os.getpid())}).listen()


def test_a_descriptor_that_does_not_listen_is_refused(path: str) -> None:
    message = "it does not listen for streams"
    with closing(socket.socket()) as plain, pytest.raises(OSError, match=message):
        activated(plain).listen()
    message = "it is not a socket"
    with open(path, "w") as file, pytest.raises(OSError, match=message):
        activated(file).listen()
