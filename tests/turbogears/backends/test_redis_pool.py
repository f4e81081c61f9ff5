"""Pools of connections to Redis, from the options of an application."""

from __future__ import annotations

from typing import Any

import pytest
from redis.backoff import NoBackoff
from redis.retry import Retry

from tgext.socketio.backends import BackendOptionError
from tgext.socketio.backends.redis_pool import address_of, credentials_of, make_pool

#: What the backend gives each connection.
OPTIONS: dict[str, Any] = {
    "port": 6379,
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "retry": Retry(NoBackoff(), 0),
    "protocol": 2,
}


def pool(host: str, **options: Any) -> Any:
    return make_pool(host, {**OPTIONS, **options})


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("here", "here:6379"),
        ("redis://here", "here:6379"),
        ("redis://[::1]", "[::1]:6379"),
        ("redis://here:7000/2", "here:7000"),
        ("rediss://here", "here:6379"),
        ("unix:///run/redis.sock", "/run/redis.sock"),
        ("redis+sentinel://here,there:27000/mymaster", "service mymaster of Sentinel"),
    ],
)
def test_the_address_of_a_pool(host: str, address: str) -> None:
    assert address_of(pool(host)) == address


def test_options_of_the_url_go_before_the_others() -> None:
    kwargs = pool("redis://ada:pw@here:7000/2?socket_timeout=1").connection_kwargs
    assert (kwargs["username"], kwargs["password"]) == ("ada", "pw")
    assert (kwargs["db"], kwargs["socket_timeout"]) == (2, 1)
    assert kwargs["socket_connect_timeout"] == 5


def test_a_unix_socket_has_no_options_of_tcp() -> None:
    kwargs = pool("unix:///run/redis.sock?db=2").connection_kwargs
    assert "port" not in kwargs
    assert "socket_keepalive" not in kwargs
    assert (kwargs["db"], kwargs["socket_timeout"]) == (2, 5)


@pytest.mark.parametrize("scheme", ["redis+sentinel", "rediss+sentinel"])
def test_sentinels_and_their_own_password(scheme: str) -> None:
    url = f"{scheme}://ada:pw@here,there:27000/mymaster/3?sentinel_password=own"
    made = pool(url)
    sentinels = made.sentinel_manager
    assert [
        (
            each.connection_pool.connection_kwargs["host"],
            each.connection_pool.connection_kwargs["port"],
        )
        for each in sentinels.sentinels
    ] == [("here", 26379), ("there", 27000)]
    assert made.connection_kwargs["db"] == 3
    assert made.connection_kwargs["password"] == "pw"
    assert sentinels.sentinel_kwargs["password"] == "own"
    assert sentinels.sentinel_kwargs["username"] is None
    assert sentinels.sentinel_kwargs["ssl"] is (scheme == "rediss+sentinel")
    assert {"ada", "pw", "own"} <= set(credentials_of(made))


def test_a_password_is_also_known_as_a_url_has_it() -> None:
    found = set(credentials_of(pool("here", password="p@ss/w", username=None)))
    assert found == {None, "p@ss/w", "p%40ss%2Fw"}


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("redis+sentinel://here", "it does not name the service"),
        ("redis+sentinel:///mymaster", "it does not name the sentinels"),
        ("redis+sentinel://,/mymaster", "it does not name the sentinels"),
        ("http://here", "begin with redis://"),
        ("redis://here:port", "cannot be read"),
        ("redis://here?socket_timeout=soon", "cannot be read"),
        ("redis+sentinel://here:port/mymaster", "cannot be read"),
        ("ada:pw@here", "this is not a host"),
    ],
)
def test_what_cannot_be_is_said(host: str, problem: str) -> None:
    with pytest.raises(BackendOptionError, match=problem) as raised:
        pool(host)
    assert "anypubsub.host" in str(raised.value)
    assert "pw" not in str(raised.value)
