"""Logouts and changed sessions, which reach all processes of an application at once.

A process that has served such a page tells the others the digests of the cookies that
the page was requested with. They end their connections with these cookies. The digests
are keyed with ``socketio.cluster_secret``, if it is set. No cookie is sent, and no
connection is given another user or another session.

Consistency: a message arrives at most once. While the broker is lost, others are told
nothing; connections that are not ended then stay until their user is looked up again
and is not found, or until the ticket expires.
"""

from __future__ import annotations

import hmac
from functools import partial
from typing import Any, Final

import gevent

from ..backends.errors import BackendError
from ..engine.concurrency.fairness import in_turns
from ..engine.logs import get_logger
from ..request.browsers import make_directory
from ..request.changes import Change
from .peers import Peers
from .sealed import BusMessageError, field_of
from .throttle import ThrottledWarnings

log = get_logger(__name__)

#: The kind of these messages.
KIND: Final = "cookies"

#: The most cookies of one message: two identify a browser.
_MOST: Final = 8

_LENGTH: Final = 64

_warnings = ThrottledWarnings(log)


def digest_of(secret: str, name: str, value: str) -> str:
    """What other processes know a cookie by.

    :param secret: the key of the cluster; may be empty, as nobody guesses a cookie.
    """
    data = f"{name}={value}".encode("utf-8", "surrogatepass")
    return hmac.digest(secret.encode(), data, "sha256").hex()


def hear(peers: Peers, secret: str) -> None:
    """End the connections of browsers whose login or session another process changed.

    :param secret: the key of the cluster; empty if there is none.
    """
    directory = make_directory(partial(digest_of, secret))

    def told(sender: str, data: Any) -> None:
        digests, flags, renewed = _read(data)
        had, owners = directory.had(digests)
        if owners and any(flags):
            gevent.spawn(_tell_owners, owners, Change(had, *flags))
        for digest, later in renewed:
            directory.renew(digest, later)

    peers.on(KIND, told)


def _tell_owners(owners: set[Any], change: Change) -> None:
    for owner in in_turns(list(owners)):
        owner.hear(change)


def tell(peers: Peers, secret: str, change: Change) -> None:
    """Tell the other processes of a change. May wait for the broker."""
    digests = [digest_of(secret, *pair) for pair in change.had.items()]
    flags = {"login": change.login, "session": change.session}
    renewed = [
        [digest_of(secret, name, change.had[name]), digest_of(secret, name, value)]
        for name, value in change.renewed.items()
    ]
    data = {**flags, "content": change.content, "had": digests, "renewed": renewed}
    try:
        peers.hold()  # this process may have had no client yet
        try:
            peers.tell(KIND, data)
        finally:
            peers.release()
    except BackendError as error:
        text = f"Other processes were not told of a logout or a new session: {error}"
        _warnings.warn("not told", text)


def _read(data: Any) -> tuple[list[str], tuple[bool, bool, bool], list[list[str]]]:
    """Read the data of a message.

    :raises BusMessageError: when it is invalid.
    """
    digests: list[Any] = field_of(data, "had", list)
    renewed: list[Any] = field_of(data, "renewed", list)
    if not _are_digests(digests):
        raise BusMessageError("its field had has other values than digests")
    if len(renewed) > _MOST or not all(
        isinstance(each, list) and len(each) == 2 and _are_digests(each)
        for each in renewed
    ):
        raise BusMessageError("its field renewed has other values than digests")
    login, session, content = (
        field_of(data, name, bool) for name in ("login", "session", "content")
    )
    return digests, (login, session, content), renewed


def _are_digests(values: list[Any]) -> bool:
    return len(values) <= _MOST and all(
        isinstance(each, str) and len(each) == _LENGTH for each in values
    )
