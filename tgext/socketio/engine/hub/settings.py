"""The options of a server, in one table.

:class:`Settings` is the table: a row has the name, the type, the default, the unit,
what the option means and what happens when it is exceeded. The server's checks, the
reader of ``development.ini`` and the documentation's table are made from it, so that a
new option is one row here.
"""

# Each row of the table calls `row`, once, when the class is made.
# ruff: noqa: RUF009

from __future__ import annotations

from dataclasses import dataclass, fields
from inspect import cleandoc

from ...wire.forwarded import TrustedProxies
from ...wire.limits import (
    MAX_ATTACHMENTS,
    MAX_CHANNELS,
    MAX_HEADER_SIZE,
    MAX_JOBS,
    MAX_LOG,
    MAX_MESSAGE_SIZE,
    MAX_OUTBOX,
    MAX_PENDING_ACKS,
    MAX_ROOMS,
)
from ...wire.origin import Origins
from .checks import (
    TRANSPORTS,
    check_cookie,
    check_internal,
    check_origins,
    check_path,
    check_proxies,
    check_samesite,
    check_transports,
)
from .options import (
    FLAG,
    NUMBER,
    NUMBER_OR_0,
    PER_CONNECTION,
    PLACE,
    SECONDS,
    SECONDS_OR_0,
    Kind,
    Option,
    row,
    split,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of one server, checked.

    :raises ValueError: when one is invalid; the message names it.
    """

    # fmt: off
    transports: tuple[str, ...] = row(
        TRANSPORTS, Kind(split, "a list", check_transports), "",
        "names of the transports that are served", "400", shown="all",
    )
    allowed_origins: Origins = row(
        (), Kind(split, "a list", check_origins), "",
        "origins whose pages may connect", "403", shown="the server's own",
    )
    health_path: str | None = row(
        "/socketio/health", Kind(str, "a text", check_path), "",
        "path that answers whether the server serves, to anybody; empty: none",
    )
    trusted_proxies: TrustedProxies | None = row(
        None, Kind(split, "a list", check_proxies), "",
        "addresses and networks of proxies, whose ``X-Forwarded-…`` and ``Forwarded`` "
        "headers are believed; ``unix:`` for those on a Unix socket",
        "others' are removed", shown="not read",
    )
    proxy_protocol: bool = row(
        False, FLAG, "",
        "whether each connection begins with the header of the PROXY protocol; "
        "``trusted_proxies`` alone may connect",
        "connection closed", shown="false",
    )
    max_message_size: int = row(
        MAX_MESSAGE_SIZE, NUMBER, "bytes",
        "size of a frame, a message or a POST body", "close 1009, or 413",
    )
    max_outbox: int = row(
        MAX_OUTBOX, NUMBER, "bytes",
        "unsent output of one connection", "disconnect, ``slow consumer``",
    )
    slow_timeout: float = row(
        10.0, SECONDS, "s",
        "time in which a client reads none of its output, or leaves more than "
        "``max_outbox`` waiting",
        "disconnect, ``slow consumer``",
    )
    slow_event: float = row(
        1.0, SECONDS_OR_0, "s",
        "time that an event may take without a line in the log; 0: any time",
        "a line at INFO",
    )
    max_attachments: int = row(
        MAX_ATTACHMENTS, NUMBER_OR_0, "",
        "binary attachments of one packet, received or sent",
        "connection closed; ``emit`` raises",
    )
    max_attachments_size: int | None = row(
        None, NUMBER, "bytes",
        "size of the attachments of one packet together", "connection closed",
        shown="four messages",
    )
    max_rooms: int = row(
        MAX_ROOMS, PER_CONNECTION, "",
        "rooms of one connection, in all its namespaces together", "``join`` raises",
    )
    max_channels: int = row(
        MAX_CHANNELS, PER_CONNECTION, "",
        "channels of one connection", "``channel_not_available``",
    )
    max_pending_acks: int = row(
        MAX_PENDING_ACKS, PER_CONNECTION, "",
        "acks that one client still has to send", "``emit`` and ``call`` raise",
    )
    max_jobs: int = row(
        MAX_JOBS, PER_CONNECTION, "",
        "greenlets that ``spawn`` started for one connection", "``spawn`` raises",
    )
    max_events_per_second: int = row(
        0, NUMBER_OR_0, "",
        "events of one connection in any second; 0: any number",
        "error ``rate_limited``; 100 times in 10 s: disconnect",
    )
    max_connections: int | None = row(
        None, NUMBER, "",
        "connections at a time; those being opened count", "503", shown="unlimited",
    )
    max_connections_per_address: int | None = row(
        None, NUMBER, "",
        "connections at a time from one client address", "503", shown="unlimited",
    )
    handshake_timeout: float = row(
        10.0, SECONDS, "s",
        "time from the handshake to the first transport, and from a poll whose "
        "connection ended to the client's next request", "session dropped",
    )
    connect_timeout: float = row(
        30.0, SECONDS, "s",
        "time for ``initialize`` and ``recv_connect`` of a namespace together",
        "namespace refused",
    )
    max_header_size: int = row(
        MAX_HEADER_SIZE, NUMBER, "bytes",
        "size of a request's line and headers together", "431",
    )
    max_form_fields: int = row(
        5000, NUMBER, "",
        "fields of a form that is posted to a page", "413",
    )
    header_timeout: float = row(
        20.0, SECONDS, "s",
        "time for the headers of a request, and for a TLS handshake",
        "connection closed",
    )
    body_timeout: float = row(
        60.0, SECONDS, "s",
        "time for the body of a Socket.IO POST; for other bodies, time between two "
        "pieces", "408",
    )
    send_timeout: float = row(
        60.0, SECONDS, "s",
        "time in which a client reads nothing of an answer", "connection closed",
    )
    keepalive_timeout: float = row(
        75.0, SECONDS, "s",
        "time between two requests on one connection", "connection closed",
    )
    certfile: str | None = row(
        None, PLACE, "",
        "path of a certificate with its chain (PEM): the server speaks TLS",
        shown="no TLS",
    )
    keyfile: str | None = row(
        None, PLACE, "",
        "path of the certificate's key (PEM)", shown="``certfile``",
    )
    cookie: str | None = row(
        None, Kind(str, "a text", check_cookie), "",
        "name of a cookie that has the session id", shown="no cookie",
    )
    cookie_samesite: str = row(
        "Lax", Kind(str, "a text", check_samesite), "",
        "``SameSite`` of that cookie: ``Lax``, ``Strict``, or ``None`` (HTTPS only)",
    )
    heartbeat_interval: float = row(
        25.0, SECONDS, "s", "time between two pings",
    )
    heartbeat_timeout: float | None = row(
        None, SECONDS, "s",
        "time from a ping to its answer", "disconnect, ``ping timeout``",
        shown="20 s (0.9: 35 s)",
    )
    recovery_window: float = row(
        120.0, SECONDS, "s",
        "time for which a client that has gone can recover, in namespaces with "
        "``recovery = True``",
        "it is a new client",
    )
    max_recovery_log: int = row(
        MAX_LOG, NUMBER, "bytes",
        "what a process keeps of the messages of one such namespace, for clients that "
        "have gone",
        "the oldest are dropped; who needs them is a new client",
    )
    internal_address: tuple[str, int] | None = row(
        None, Kind(str, "a text", check_internal), "",
        "address, with or without a port, at which processes on other machines hand "
        "requests over", shown="none",
    )
    close_timeout: float = row(
        60.0, SECONDS, "s",
        "time in which 0.9 clients are told to reconnect",
    )
    shutdown_timeout: float = row(
        10.0, SECONDS, "s",
        "time that handlers have when the server stops, or their client has left",
        "handlers are interrupted",
    )
    # fmt: on

    def __post_init__(self) -> None:
        for name, each in OPTIONS.items():
            object.__setattr__(self, name, each.check(getattr(self, name)))
        proxies = self.trusted_proxies
        if self.proxy_protocol and (proxies is None or not proxies.values):
            raise ValueError(
                "proxy_protocol: it is true, and trusted_proxies is not set: list the "
                "addresses of the proxies there"
            )


#: The rows of the table by name.
OPTIONS: dict[str, Option] = {
    each.name: Option(each.name, each.default, **each.metadata)
    for each in fields(Settings)
}

if Settings.__doc__:  # python -OO removes it
    meanings = [
        f":param {each.name}: {each.meaning}; by default {each.default_text}."
        for each in OPTIONS.values()
    ]
    Settings.__doc__ = "\n".join([cleandoc(Settings.__doc__), *meanings])
