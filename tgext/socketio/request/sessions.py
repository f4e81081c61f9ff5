"""Sessions that are kept in their cookies: whether two cookies have the same one."""

from __future__ import annotations

from typing import Any

from ..engine.concurrency.failures import ERRORS
from ..engine.logs import get_logger

log = get_logger(__name__)

#: What beaker keeps in each session (`beaker.session`); `session.id` is `_id`.
_KEYS_OF_BEAKER = frozenset(
    ("_accessed_time", "_creation_time", "_domain", "_id", "_path")
)


class Sessions:
    """Compares what two ``Cookie`` headers have for an application's sessions.

    With ``session.type = cookie`` the cookie holds the session, and changes each time
    the session is read. With other types the cookie is the session's id, so another
    cookie is another session.

    The content of an anonymous session may be a login of the application's own, or a
    shopping cart: an attacker who planted the cookie must not read it.

    :param session: beaker's session of a request.
    """

    def __init__(self, session: Any) -> None:
        self._class = type(session)
        options = getattr(session, "__dict__", {}).get("_params", {})
        self._options = options if options.get("type") == "cookie" else None
        #: The sessions so far: the tabs of a browser mostly have the same cookies.
        self._known: dict[str, tuple[Any, dict[str, Any]] | None] = {}

    def keep(self, before: str, after: str) -> bool:
        """Whether the session has the same id and the same content in both headers."""
        first = self._read(before)
        return first is not None and first == self._read(after)

    def keep_id(self, before: str, after: str) -> bool:
        """Whether the session has the same id in both headers."""
        first, second = self._read(before), self._read(after)
        return first is not None and second is not None and first[0] == second[0]

    def _read(self, header: str) -> tuple[Any, dict[str, Any]] | None:
        """The id and the content of a session.

        :returns: None when it is invalid, or is not kept in the cookie.
        """
        if self._options is None:
            return None
        if header not in self._known:
            self._known[header] = self._read_anew(header)
        return self._known[header]

    def _read_anew(self, header: str) -> tuple[Any, dict[str, Any]] | None:
        session = self._class({"HTTP_COOKIE": header}, **(self._options or {}))
        try:
            return session.id, _content(session)
        except ERRORS as error:
            log.debug("The session of a cookie is invalid: %s", error)
            return None


def _content(session: Any) -> dict[str, Any]:
    """What a session holds, without what beaker keeps in it for itself."""
    return {key: session[key] for key in session if key not in _KEYS_OF_BEAKER}
