"""Logins that live as long as their user is active.

With ``sa_auth.authtkt.timeout``, the ticket in the login's cookie expires unless a page
issues a new one. A connection cannot set a cookie, so the server remembers when its
client was active, and accepts the ticket for some time longer. The user, the groups and
the permissions are looked up for each event all the same.
"""

from __future__ import annotations

import copy
import time
from typing import Any

from ..wire.socketio.packet import EVENTS, Packet


def is_activity(packet: Packet | None) -> bool:
    """Whether a client sends a packet because its user does something.

    Acks and connect packets may be sent by the client's library alone.
    """
    return packet is not None and packet["type"] in EVENTS


class Activity:
    """The activity of one client whose ticket expires.

    :param api: repoze.who's API object of the opening request.
    :param seconds: how long an event keeps the user logged in.
    """

    def __init__(self, api: Any, seconds: float) -> None:
        self._api = api
        self._seconds = seconds
        self._last = time.monotonic()

    def note(self) -> None:
        """The client is active. This has no effect when it was inactive for long."""
        now = time.monotonic()
        if now - self._last < self._seconds:
            self._last = now

    def renew(self) -> None:
        """The client is active, and its ticket is valid."""
        self._last = time.monotonic()

    def authenticate(self, environ: dict[str, Any]) -> None:
        """Authenticate as repoze.who does, with a ticket that may have expired.

        Does nothing when the client was inactive for too long.
        """
        if time.monotonic() - self._last < self._seconds:
            api = copy.copy(self._api)
            api.environ = environ
            api.interface_registry = {
                interface: [_without_timeout(each) for each in plugins]
                for interface, plugins in api.interface_registry.items()
            }
            api.authenticate()


def activity_of(api: Any, seconds: float | None) -> Activity | None:
    """What remembers the activity of a client that has logged in.

    :param api: repoze.who's API object of the opening request, or None.
    :param seconds: how long an event keeps the user logged in; None: as long as a
        ticket is valid.
    :returns: None when tickets do not expire, or when events do not count.
    """
    plugins = [plugin for _, plugin in getattr(api, "identifiers", ())]
    timeouts = [plugin.timeout for plugin in plugins if _expires(plugin)]
    if not timeouts:
        return None
    seconds = min(timeouts) if seconds is None else seconds
    return Activity(api, seconds) if seconds > 0 else None


def _expires(plugin: Any) -> bool:
    """Whether a plugin reads tickets that expire: repoze.who's ``auth_tkt``."""
    return hasattr(plugin, "reissue_time") and bool(getattr(plugin, "timeout", None))


def _without_timeout(plugin: Any) -> Any:
    if not _expires(plugin):
        return plugin
    plugin = copy.copy(plugin)
    plugin.timeout = None
    return plugin
