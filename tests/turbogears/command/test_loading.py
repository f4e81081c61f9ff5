"""Ini files that the command reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tgext.socketio.command.errors import CommandError
from tgext.socketio.command.loading import (
    Setting,
    broker_of,
    load,
    server_of,
    settings_of,
)

from .conftest import Write


def test_the_options_of_the_server(write: Write) -> None:
    path = write(server="port = 9000\ntransports = websocket\ncertfile = /c.pem")
    found = {each.name: each for each in server_of(path)}
    assert found["port"] == Setting("port", "9000", True)
    assert found["host"] == Setting("host", "127.0.0.1", False)
    assert found["transports"] == Setting("transports", "websocket", True)
    assert found["certfile"].value == "/c.pem"
    assert found["keyfile"] == Setting("keyfile", "certfile", False)
    assert found["max_outbox"].value.endswith(" bytes")


def test_another_server_has_no_options(write: Write, tmp_path: Path) -> None:
    path = Path(write())
    text = path.read_text()
    path.write_text(text.replace("egg:tgext.socketio#socketio", "egg:gearbox#wsgiref"))
    assert server_of(str(path)) == []
    path.write_text(text.replace("[server:main]", "[server:other]"))
    assert server_of(str(path)) == []


def test_the_options_of_the_application(write: Write) -> None:
    path = write(
        "socketio.cluster = yes\nsocketio.cluster_secret = hush\n"
        "anypubsub.backend = redis\n"
        "anypubsub.host = redis://me:hush@127.0.0.1:1/2\n"
        "anypubsub.socket_timeout = 2"
    )
    [config] = load(path)
    found = {each.name: each for each in settings_of(config)}
    assert found["socketio.cluster"] == Setting("socketio.cluster", "True", True)
    assert found["socketio.cluster_secret"].value == "***"
    assert found["socketio.recheck_interval"].value == "30 s"
    assert broker_of(config) == [
        Setting("anypubsub.backend", "redis", True),
        Setting("anypubsub.host", "redis://***@127.0.0.1:1/2", True),
        Setting("anypubsub.socket_timeout", "2", True),
    ]


@pytest.mark.parametrize(
    "host",
    [
        "redis+sentinel://me:hush@127.0.0.1:1/mymaster?sentinel_password=hush",
        "redis://127.0.0.1:1/2?password=hush&db=3",
    ],
)
def test_no_password_of_the_broker_is_shown(write: Write, host: str) -> None:
    [config] = load(write(f"anypubsub.backend = redis\nanypubsub.host = {host}"))
    [shown] = [each.value for each in broker_of(config) if each.name.endswith("host")]
    assert "hush" not in shown
    assert "127.0.0.1:1" in shown


def test_a_broker_that_is_not_set_is_memory(write: Write) -> None:
    [config] = load(write())
    assert broker_of(config) == [Setting("anypubsub.backend", "memory", False)]


@pytest.mark.parametrize(
    ("app", "server", "message"),
    [
        ("", "prot = 1", r"prot is not an option \(did you mean port\?\)"),
        ("", "port = x", r"port: 'x' is not a whole number"),
        ("socketio.clutser = 1", "", r"did you mean socketio\.cluster\?"),
        ("socketio.cluster = 1", "", "the backend memory reaches no other process"),
        ("use = egg:nowhere", "", "cannot be loaded: "),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    write: Write, app: str, server: str, message: str
) -> None:
    path = write(app, server)
    read = server_of if server else load
    with pytest.raises(CommandError, match=message) as raised:
        read(path)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    for read in (load, server_of):
        with pytest.raises(CommandError, match=r"there is no file .*; name it with -c"):
            read(str(tmp_path / "development.ini"))
