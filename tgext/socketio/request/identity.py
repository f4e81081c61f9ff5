"""The user of a connection, looked up anew for its events.

For a page, ``repoze.who`` reads the cookies, and TurboGears' identity wrapper asks the
application for the user, the groups and the permissions. For an event the cookies are
read, and the application is asked when something reads the user: when a permission is
taken away, the next event is denied. ``socketio.identity_ttl`` lets a look-up hold for
some seconds.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Mapping
from functools import partial
from logging import INFO, Logger
from typing import Any

from .activity import Activity, activity_of
from .identities import LOOKED_UP, EventIdentity, KnownIdentity
from .middleware import EventMiddleware

#: The key of `repoze.who`'s API object, which reads the cookies.
API = "repoze.who.api"

#: The keys that a look-up adds to the WSGI environment.
_IDENTITY = "repoze.who.identity"
_CREDENTIALS = "repoze.what.credentials"
_USER = "repoze.who.userid"

#: Where WebOb keeps what is set on a request.
_ATTRIBUTES = "webob.adhoc_attrs"

#: The id of a user whom middleware in front of ``repoze.who`` has identified.
_REMOTE_USER = "REMOTE_USER"


def set_identity(environ: dict[str, Any], identity: Any) -> None:
    """Set ``request.identity`` of the requests of an environment."""
    environ.setdefault(_ATTRIBUTES, {})["identity"] = identity


class OtherUser(Exception):
    """The user of an event is not the one that the connection opened with."""


def user_of(environ: Mapping[str, Any]) -> Any:
    """The id of the user of a request.

    :returns: None when the request is anonymous, or the user was not looked up yet.
    """
    identity = environ.get(_IDENTITY) or environ.get(_ATTRIBUTES, {}).get("identity")
    return identity.get(_USER) if isinstance(identity, Mapping) else None


class Lookup:
    """Looks up the user of one connection, who has to stay the same.

    :param environ: the WSGI environment of the opening request.
    :param for_each_event: whether the application has a wrapper that looks up the
        identity. Without one, events keep what the opening request found.
    :param ttl: seconds for which a look-up holds.
    :param user: the id of the user that the opening request found, when ``environ``
        does not have it.
    :param activity: seconds for which an event keeps a user logged in whose ticket has
        expired; None for the time-out of tickets.

    :ivar user: the id of the user that the connection opened with; None when it is
        anonymous.
    :ivar changed: whether a look-up found another user, or an anonymous client. The
        connection has to end then.
    :ivar activity: the activity of the client; None when it does not count.
    """

    def __init__(
        self,
        environ: Mapping[str, Any],
        for_each_event: bool,
        ttl: float,
        user: Any = None,
        activity: float | None = None,
    ) -> None:
        self._api: Any = environ.get(API)
        self.user = user_of(environ) if user is None else user
        anonymous = self.user is None
        self.activity = None if anonymous else activity_of(self._api, activity)
        self.changed = False
        self._for_each_event = for_each_event
        self._ttl = ttl
        self._known: KnownIdentity | None = None
        self._holds_until = 0.0

    @property
    def holds(self) -> bool:
        """Whether an earlier look-up still holds."""
        return self._ttl > 0 and time.monotonic() < self._holds_until

    def pass_through(
        self, middleware: Iterable[EventMiddleware], environ: dict[str, Any]
    ) -> None:
        """Let the application's middleware change the environment of an event."""
        user, remote = user_of(environ), environ.get(_REMOTE_USER)
        for see in middleware:
            see(environ)
        remote_changed = self._api is None and environ.get(_REMOTE_USER) != remote
        if remote_changed or user_of(environ) not in (user, self.user):
            self.changed = True

    def identify(self, environ: dict[str, Any], is_active: bool) -> None:
        """Read the cookies of an event's environment, as ``repoze.who`` does for pages.

        The application's own wrapper looks up the user afterwards.

        :param is_active: whether the event is activity of the user.
        """
        if self._api is not None:
            if self._api.remote_user_key not in environ:  # set by middleware
                self._authenticate(environ)
                if self.activity is not None:
                    self._keep_logged_in(self.activity, environ, is_active)
            if user_of(environ) != self.user:
                # Anonymous until the connection has ended.
                self.changed = True
                for name in (_IDENTITY, self._api.remote_user_key):
                    environ.pop(name, None)
        elif self._for_each_event and environ.get(_IDENTITY):
            environ[_IDENTITY] = dict(environ[_IDENTITY])

    def _keep_logged_in(
        self, activity: Activity, environ: dict[str, Any], is_active: bool
    ) -> None:
        if user_of(environ) is None:
            activity.authenticate(environ)
        elif is_active:
            activity.renew()

    def _authenticate(self, environ: dict[str, Any]) -> None:
        _authenticate(self._api, environ)

    def user_with(self, environ: Mapping[str, Any], cookies: str) -> Any:
        """The id of the user that a ``Cookie`` header belongs to.

        :param environ: the WSGI environment of the connection's events.
        :param cookies: the header.
        :returns: None when no user belongs to the header.
        """
        asked = look_up(self._api, environ, cookies)
        if self.activity is not None and user_of(asked) is None:
            self.activity.authenticate(asked)
        return user_of(asked)

    def recall(self, environ: dict[str, Any]) -> None:
        """Set the result of the last look-up in the environment of an event."""
        known = self._known
        if known is None:
            for name in (_IDENTITY, _CREDENTIALS):
                environ.pop(name, None)
        else:
            environ[_IDENTITY] = environ[_CREDENTIALS] = known
        set_identity(environ, known)

    def forget(self, environ: dict[str, Any]) -> None:
        """Remove the user of the opening request from the environment of a job."""
        names = [_IDENTITY, _CREDENTIALS]
        if self._api is not None:
            names.append(self._api.remote_user_key)
        for name in names:
            environ.pop(name, None)
        set_identity(environ, None)

    def check(self, environ: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        """Check, and remember, what the application's wrapper found for an event.

        :raises OtherUser: when it is not the user that the connection opened with.
        """
        identity = environ.get(_ATTRIBUTES, {}).get("identity")
        user = identity.get(_USER) if isinstance(identity, Mapping) else None
        if user is not None and user != self.user:
            self.changed = True
        if self.changed:
            raise OtherUser
        if self._ttl <= 0:
            return
        if type(identity) is EventIdentity:
            identity.when_found(partial(self._remember, config))
        else:
            self._remember(config, identity)

    def _remember(self, config: Mapping[str, Any], identity: Any) -> None:
        self._known = KnownIdentity(identity, config) if identity else None
        self._holds_until = time.monotonic() + self._ttl


def look_up(api: Any, environ: Mapping[str, Any], cookies: str) -> dict[str, Any]:
    """A copy of an environment, with the user that a ``Cookie`` header belongs to.

    :param api: that of ``repoze.who``; None if the application does without.
    """
    asked = {**environ, "HTTP_COOKIE": cookies}
    asked.pop(_IDENTITY, None)
    if api is not None:
        _authenticate(api, asked)
    return asked


def _authenticate(api: Any, environ: dict[str, Any]) -> None:
    api = environ[API] = copy.copy(api)
    api.environ = environ
    logger = getattr(api, "logger", None)
    if isinstance(logger, Logger) and not logger.isEnabledFor(INFO):
        # It would be given the texts of all plugins, which take half of the time.
        api.logger = None
    api.authenticate()


def remove_lookup(environ: dict[str, Any], for_each_event: bool) -> None:
    """Remove what a look-up added from a copy of the opening request's environment.

    :param for_each_event: whether each event looks up the identity again; without
        that, the identity of the opening request stays.
    """
    api = environ.pop(API, None)
    if api is not None:
        for name in (_IDENTITY, api.remote_user_key):
            environ.pop(name, None)
    if for_each_event:
        environ.pop(_CREDENTIALS, None)
        identity = environ.get(_IDENTITY)
        if identity:
            environ[_IDENTITY] = {
                name: value for name, value in identity.items() if name not in LOOKED_UP
            }
