"""Finds the sockets of a user, and the socket of a public id, in one namespace.

An index is made when it is first asked for. Until then, a connection costs nothing.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, Final, Generic, TypeVar

Socket = TypeVar("Socket")

#: Returns the key of a socket, or None when it has none.
KeyOf = Callable[[Any], "str | None"]

#: The bytes of a public id; 120 bits, as the reference server has.
_BYTES: Final = 15


def public_id(secret: str, endpoint: str) -> str:
    """The public id of a socket in a namespace, which does not tell the session id.

    :param secret: the session id.
    :param endpoint: the name of the namespace.
    """
    digest = sha256(f"{endpoint} {secret}".encode()).digest()
    return urlsafe_b64encode(digest[:_BYTES]).decode()


def name_of_user(user: object) -> str | None:
    """The text by which a user is known, whatever ``repoze.who.userid`` is.

    :returns: None for an anonymous client.
    """
    if user is None:
        return None
    return str.__str__(user) if isinstance(user, str) else str(user)


class Index(Generic[Socket]):
    """Finds sockets by a key, which does not change while they are listed.

    :param key_of: returns the key.
    :param sockets: those that are listed from the beginning.
    """

    __slots__ = ("_found", "_key_of", "_keys")

    def __init__(self, key_of: KeyOf, sockets: Iterable[Socket] = ()) -> None:
        self._key_of = key_of
        self._keys: dict[Socket, str] = {}
        self._found: dict[str, dict[Socket, None]] = {}
        for each in sockets:
            self.add(each)

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, socket: Socket) -> None:
        """List a socket. No effect when it is listed, or has no key."""
        if socket in self._keys:
            return
        key = self._key_of(socket)
        if key is not None:
            self._keys[socket] = key
            self._found.setdefault(key, {})[socket] = None

    def discard(self, socket: Socket) -> None:
        """Remove a socket. No effect when it is not listed."""
        key = self._keys.pop(socket, None)
        if key is None:
            return
        found = self._found[key]
        del found[socket]
        if not found:
            del self._found[key]

    def find(self, key: str) -> Iterable[Socket]:
        """The sockets that have a key, in the order in which they came."""
        return self._found.get(key, ())
