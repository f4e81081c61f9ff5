"""Pools of connections to Redis, from the options of an application."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from redis.connection import ConnectionPool, parse_url
from redis.sentinel import Sentinel, SentinelConnectionPool

from ..wire.origin import join_port
from .errors import BackendOptionError
from .urls import OPTION, UNREADABLE, check_host, split

_SCHEMES: Final = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")

_SENTINEL_SCHEMES: Final = {"redis+sentinel": "redis", "rediss+sentinel": "rediss"}

#: Options that connections over a Unix socket do not have.
_TCP_ONLY = ("port", "socket_connect_timeout", "socket_keepalive")


def make_pool(host: str, options: dict[str, Any]) -> Any:
    """A pool of redis-py.

    :param host: a host or a URL; see :class:`.redis.RedisPubSub`.
    :param options: options of its connections; those of the URL take precedence.
    :raises BackendOptionError: when the URL is invalid. The message quotes nothing of
        it.
    """
    if "://" not in host:
        return ConnectionPool(host=check_host(host, "redis"), **options)
    scheme = split(host, _SCHEMES).scheme
    try:
        if scheme in _SENTINEL_SCHEMES:
            return _make_sentinel_pool(host, options)
        if scheme == "unix":
            options = {n: v for n, v in options.items() if n not in _TCP_ONLY}
        return ConnectionPool.from_url(host, **options)
    except _Unnamed as problem:
        raise BackendOptionError(OPTION, f"this URL is invalid: {problem}") from None
    except (TypeError, ValueError):
        raise BackendOptionError(OPTION, UNREADABLE) from None


class _Unnamed(ValueError):
    """A URL of Sentinel lacks the service or the sentinels."""


def _make_sentinel_pool(url: str, options: dict[str, Any]) -> Any:
    """``redis+sentinel://user:password@host:port,host:port/service/db?option=…``"""
    parts = urlsplit(url)
    credentials, at, addresses = parts.netloc.rpartition("@")
    service, _, db = parts.path.strip("/").partition("/")
    if not service:
        raise _Unnamed("it does not name the service, as …:26379/mymaster")
    scheme = _SENTINEL_SCHEMES[parts.scheme]
    netloc = f"{credentials}{at}localhost"
    plain = urlunsplit((scheme, netloc, db, parts.query, ""))
    kwargs = {**options, **parse_url(plain)}
    for name in ("host", "port", "connection_class"):
        kwargs.pop(name, None)
    of_sentinels = {
        name: kwargs[name]
        for name in ("socket_timeout", "socket_connect_timeout", "retry", "protocol")
    }
    of_sentinels["ssl"] = kwargs["ssl"] = scheme == "rediss"
    if scheme == "rediss":
        of_sentinels |= {n: v for n, v in kwargs.items() if n.startswith("ssl_")}
    for name in ("username", "password"):
        of_sentinels[name] = kwargs.pop(f"sentinel_{name}", None)
    sentinel = Sentinel(
        [_host_and_port(each) for each in addresses.split(",")],
        sentinel_kwargs=of_sentinels,
    )
    return SentinelConnectionPool(service, sentinel, **kwargs)


def _host_and_port(address: str) -> tuple[str, int]:
    parts = urlsplit(f"//{address}")
    if not parts.hostname:
        raise _Unnamed("it does not name the sentinels, as host:26379,host:26379/…")
    return parts.hostname, parts.port or 26379


def credentials_of(pool: Any) -> Iterator[object]:
    """The user names and passwords of a pool, also in percent-encoding."""
    kwargs = dict(pool.connection_kwargs)
    sentinel = getattr(pool, "sentinel_manager", None)
    for options in (kwargs, getattr(sentinel, "sentinel_kwargs", {})):
        for name in ("username", "password"):
            value = options.get(name)
            yield value
            if isinstance(value, str):
                yield quote(value, safe="")


def address_of(pool: Any) -> str:
    """The address of the server, for messages."""
    if isinstance(pool, SentinelConnectionPool):
        return f"service {pool.service_name} of Sentinel"
    kwargs = pool.connection_kwargs
    if "path" in kwargs:
        return str(kwargs["path"])
    return join_port(kwargs.get("host", "localhost"), kwargs.get("port", 6379))
