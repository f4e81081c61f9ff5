"""What a look-up of the user costs for a log that does not want to know of it."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from repoze.who.api import API
from repoze.who.interfaces import IAuthenticator, IIdentifier
from zope.interface import directlyProvides

from tgext.socketio.request.identity import look_up, user_of


class Shown:
    """An identifier that counts how often its text is asked for."""

    shown = 0

    def identify(self, environ: Any) -> dict[str, Any]:
        return {"login": "ada"}

    def authenticate(self, environ: Any, identity: Any) -> str:
        return "ada"

    def remember(self, environ: Any, identity: Any) -> None: ...

    def forget(self, environ: Any, identity: Any) -> None: ...

    def __repr__(self) -> str:
        self.shown += 1
        return "shown"


@pytest.mark.parametrize(("level", "shows"), [("WARNING", False), ("DEBUG", True)])
def test_plugins_are_shown_to_a_log_that_wants_them(level: str, shows: bool) -> None:
    plugin, logger = Shown(), logging.Logger("auth", level)
    directlyProvides(plugin, IIdentifier, IAuthenticator)
    plugins = [("shown", plugin)]
    environ: dict[str, Any] = {}
    api = API(environ, plugins, plugins, [], [], None, None, "REMOTE_USER", logger)
    asked = look_up(api, environ, "")
    assert user_of(asked) == "ada"
    assert bool(plugin.shown) is shows
    assert api.logger is logger
