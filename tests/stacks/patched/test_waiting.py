"""How drivers wait: for a server that accepts a connection, and says nothing.

The table of docs/databases.rst was measured like this.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import gevent
import psycogreen.gevent
import psycopg2.extensions
import pytest

#: Seconds that a driver in C waits; psycopg2 takes no less.
TIMEOUT = 2


def connect_with_psycopg2(port: int) -> None:
    psycopg2.connect(
        host="127.0.0.1", port=port, user="me", dbname="base", connect_timeout=TIMEOUT
    )


#: Drivers that wait as greenlets do: their modules, and what they call the arguments.
DRIVERS: dict[str, Callable[[Any, int], object]] = {
    "psycopg": lambda driver, port: driver.connect(
        host="127.0.0.1", port=port, user="me", dbname="base"
    ),
    "pg8000": lambda driver, port: driver.connect("me", host="127.0.0.1", port=port),
    "pymysql": lambda driver, port: driver.connect(
        host="127.0.0.1", port=port, user="me"
    ),
    "pytds": lambda driver, port: driver.connect(
        dsn="127.0.0.1", port=port, user="me", password="secret"
    ),
    "oracledb": lambda driver, port: driver.connect(
        user="me", password="secret", dsn=f"127.0.0.1:{port}/base"
    ),
    "pymongo": lambda driver, port: driver.MongoClient("127.0.0.1", port).admin.command(
        "ping"
    ),
}


@pytest.fixture
def silent_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def turns_of_others_during(call: Callable[[], object]) -> int:
    """How often another greenlet runs until a call has waited, and was interrupted."""
    turns = 0

    def turn() -> None:
        nonlocal turns
        while True:
            gevent.sleep(0.01)
            turns += 1

    turning = gevent.spawn(turn)
    try:
        gevent.sleep(0)
        with gevent.Timeout(TIMEOUT / 4, False):
            call()
    finally:
        turning.kill(block=False)
    return turns


@pytest.mark.parametrize("name", DRIVERS)
def test_others_run_while_it_waits(silent_port: int, name: str) -> None:
    driver = import_module(name)
    turns = turns_of_others_during(lambda: DRIVERS[name](driver, silent_port))
    assert turns > 0


def test_nothing_runs_while_psycopg2_waits(silent_port: int) -> None:
    def connect() -> None:
        with pytest.raises(psycopg2.OperationalError):
            connect_with_psycopg2(silent_port)

    assert turns_of_others_during(connect) == 0


def test_others_run_while_psycopg2_waits_with_psycogreen(
    silent_port: int,
) -> None:
    psycogreen.gevent.patch_psycopg()
    try:
        assert turns_of_others_during(lambda: connect_with_psycopg2(silent_port)) > 0
    finally:
        psycopg2.extensions.set_wait_callback(None)
