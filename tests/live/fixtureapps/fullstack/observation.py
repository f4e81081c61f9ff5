"""What the application records about its events and pages, for the tests to read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tg import request
from tg.appwrappers.base import ApplicationWrapper

#: The place, and what was noted there.
observed: list[tuple[str, Any]] = []

#: The reported failures: the exception, and its user.
reports: list[tuple[str, str]] = []


class Observer(ApplicationWrapper):
    """A wrapper such as applications register."""

    def __call__(self, controller: Any, environ: dict[str, Any], context: Any) -> Any:
        response = self.next_handler(controller, environ, context)
        if "noted" in environ:
            observed.append(("wrapper", environ["noted"]))
        return response


def observe(name: str) -> Callable[..., None]:
    def hook(remainder: Any, params: dict[str, Any]) -> None:
        if "noted" in params:
            request.environ["noted"] = params["noted"]
            observed.append((name, params["noted"]))

    return hook


class Reporter:
    """A reporter of backlash, such as the one that sends e-mail."""

    def report(self, traceback: Any) -> None:
        identity = traceback.context.environ.get("repoze.who.identity") or {}
        user = identity.get("repoze.who.userid", "anonymous")
        reports.append((traceback.exception, user))
