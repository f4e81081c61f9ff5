"""Who a connection belongs to, looked up anew for each of its events.

For a page, ``repoze.who`` reads the cookies and TurboGears' identity wrapper asks the
application for the user, the groups and the permissions. Both do so for an event, so
that a permission that was taken away is gone for the next event.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from typing import Any

#: Where `repoze.who` keeps what asks for the user.
API = "repoze.who.api"

#: What the look-up adds to the WSGI environment.
_IDENTITY = "repoze.who.identity"
_CREDENTIALS = "repoze.what.credentials"
_USER = "repoze.who.userid"

#: What belongs to one look-up: it may come from a database session that has ended.
_OF_A_LOOKUP = ("user", "groups", "permissions")


class OtherUser(Exception):
    """A connection's user is no more the one that it opened with."""


def user_of(environ: Mapping[str, Any]) -> Any:
    """The id of the user of a request, as far as it has been looked up."""
    identity = environ.get(_IDENTITY) or environ.get("webob.adhoc_attrs", {}).get(
        "identity"
    )
    return identity.get(_USER) if isinstance(identity, Mapping) else None


class Lookup:
    """Looks up the user of one connection, which keeps the one that it opened with.

    :ivar user: the id of that one; None for nobody.
    :ivar changed: whether a look-up found that the user is another, or is not known any
        more: the connection has to end.

    :param environ: the WSGI environment of the opening request.
    :param anew: whether a wrapper of the application asks for the user each time; where
        none does, what the opening request found stays.
    :param ttl: seconds for which a look-up holds.
    :param user: whom the application's wrapper found, where the environment has none.
    """

    def __init__(
        self, environ: Mapping[str, Any], anew: bool, ttl: float, user: Any = None
    ) -> None:
        self._who = environ.get(API)
        self.user = user_of(environ) if user is None else user
        self.changed = False
        self._anew = anew
        self._ttl = ttl
        self._found: KnownIdentity | None = None
        self._until = 0.0

    @property
    def holds(self) -> bool:
        """Whether an earlier look-up still holds."""
        return self._ttl > 0 and time.monotonic() < self._until

    def identify(self, environ: dict[str, Any]) -> None:
        """Read the cookies of an event's environ, as ``repoze.who`` does for a page.

        What then finds the user is the application's own wrapper.
        """
        if self._who is not None:
            for name in (_IDENTITY, self._who.remote_user_key):
                environ.pop(name, None)
            who = environ[API] = copy.copy(self._who)
            who.environ = environ
            who.authenticate()
            if user_of(environ) != self.user:
                # Until it has ended, this connection is nobody's.
                self.changed = True
                for name in (_IDENTITY, self._who.remote_user_key):
                    environ.pop(name, None)
        elif self._anew and environ.get(_IDENTITY):
            environ[_IDENTITY] = dict(environ[_IDENTITY])

    def whose(self, environ: Mapping[str, Any], cookies: str) -> Any:
        """The user whose cookies those of a ``Cookie`` header are; None for nobody's.

        :param environ: the WSGI environment of the connection's events.
        """
        asked = {**environ, "HTTP_COOKIE": cookies}
        asked.pop(_IDENTITY, None)
        if self._who is not None:
            asked.pop(self._who.remote_user_key, None)
            who = copy.copy(self._who)
            who.environ = asked
            who.authenticate()
        return user_of(asked)

    def recall(self, request: Any) -> None:
        """Give the request of an event what the last look-up found."""
        environ, found = request.environ, self._found
        if found is None:
            for name in (_IDENTITY, _CREDENTIALS):
                environ.pop(name, None)
        else:
            environ[_IDENTITY] = environ[_CREDENTIALS] = found
        request.identity = found

    def found(self, request: Any, config: Mapping[str, Any]) -> None:
        """Remember what the application's wrapper found.

        :raises OtherUser: when it is not whom the connection opened with.
        """
        identity = getattr(request, "identity", None)
        user = identity.get(_USER) if isinstance(identity, Mapping) else None
        if user is not None and user != self.user:
            self.changed = True
        if self.changed:
            raise OtherUser
        if self._ttl <= 0:
            return
        self._found = KnownIdentity(identity, config) if identity else None
        self._until = time.monotonic() + self._ttl


class KnownIdentity(dict[str, Any]):
    """An identity that outlives its look-up, and with it the database session.

    The user itself is loaded in the session of whoever asks for it.
    """

    def __init__(self, identity: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        super().__init__(identity)
        self.pop("user", None)
        self["groups"] = list(identity.get("groups") or ())
        self["permissions"] = list(identity.get("permissions") or ())
        self._metadata = config.get("sa_auth.authmetadata")

    def __missing__(self, key: str) -> Any:
        if key != "user" or self._metadata is None:
            raise KeyError(key)
        return self._metadata.get_user(self, self[_USER])

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key == "user" else super().get(key, default)

    def __repr__(self) -> str:
        return f"<Identity (hidden, dict-like) at {id(self):#x}>"


def without_lookup(environ: dict[str, Any], anew: bool) -> None:
    """Take out of a copy of the opening request's environ what a look-up puts there."""
    environ.pop(API, None)
    if anew:
        environ.pop(_CREDENTIALS, None)
        identity = environ.get(_IDENTITY)
        if identity:
            environ[_IDENTITY] = {
                name: value
                for name, value in identity.items()
                if name not in _OF_A_LOOKUP
            }
