"""What ``tg.request.identity`` is during an event.

For a page, TurboGears asks the application for the user, the groups and the permissions
before anything reads them. That is most of what an event of a full-stack application
takes, and many events read none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tg.appwrappers.identity import Identity

#: The items that the application looks up.
LOOKED_UP: Final = ("user", "groups", "permissions")


class EventIdentity(Identity):
    """An identity whose user is looked up when it is first read.

    It has the items that TurboGears gives to the identity of a page. What is read of
    ``user``, ``groups`` and ``permissions`` is asked for once; the items of the login,
    such as ``repoze.who.userid``, are there without asking.

    :param identity: the items of the login.
    :param provider: the application's ``TGAuthMetadata``.
    """

    def __init__(self, identity: Mapping[str, Any], provider: Any) -> None:
        super().__init__(identity)
        self._userid = self["repoze.what.userid"] = identity["repoze.who.userid"]
        self._provider = provider
        #: What is being looked up: the application does not find it in the identity.
        self._pending: set[str] = set()
        self._when_found: Callable[[EventIdentity], None] | None = None

    @property
    def pending(self) -> frozenset[str]:
        """The items that are being looked up."""
        return frozenset(self._pending)

    def when_found(self, function: Callable[[EventIdentity], None]) -> None:
        """Call a function with the identity when its user has been looked up."""
        self._when_found = function

    def forget(self) -> None:
        """Look up all anew when it is read again: in another transaction."""
        for name in LOOKED_UP:
            dict.pop(self, name, None)

    def look_up_all(self) -> None:
        """Look up what was not read yet."""
        if not self._pending:
            for name in LOOKED_UP:
                self[name]

    def __missing__(self, name: str) -> Any:
        if name in LOOKED_UP and name not in self._pending:
            return self._look_up(name)
        # The application may add items to the identity when it is asked for the user.
        self.look_up_all()
        if dict.__contains__(self, name):
            return dict.__getitem__(self, name)
        raise KeyError(name)

    def _look_up(self, name: str) -> Any:
        self._pending.add(name)
        try:
            if name == "user":
                found = self._provider.get_user(self, self._userid)
            elif not self["user"]:
                found = []
            elif name == "groups":
                found = self._provider.get_groups(self, self._userid)
            else:
                found = self._provider.get_permissions(self, self._userid)
        finally:
            self._pending.discard(name)
        self[name] = found
        if self._when_found is not None and not self._pending:
            tell, self._when_found = self._when_found, None
            tell(self)
        return found

    def get(self, name: str, default: Any = None) -> Any:
        # A KeyError may be the application's own.
        if name not in self:
            return default
        return self[name]

    def __contains__(self, name: object) -> bool:
        if dict.__contains__(self, name):
            return True
        if name in LOOKED_UP:
            return name not in self._pending
        self.look_up_all()
        return dict.__contains__(self, name)

    def __bool__(self) -> bool:
        return True

    # Without this method, `dict(identity)` would copy what is there already.
    def __iter__(self) -> Iterator[str]:
        self.look_up_all()
        return iter(list(self.keys()))


def _complete(name: str) -> Callable[..., Any]:
    """A method of dictionaries that needs all items."""
    method = getattr(dict, name)

    def complete(self: EventIdentity, *args: Any, **kwargs: Any) -> Any:
        self.look_up_all()
        return method(self, *args, **kwargs)

    complete.__name__ = name
    return complete


for _name in (
    *("__len__", "__reversed__", "__eq__", "__ne__", "__or__", "__ror__"),
    *("keys", "values", "items", "copy", "pop", "popitem", "setdefault"),
):
    setattr(EventIdentity, _name, _complete(_name))


class KnownIdentity(dict[str, Any]):
    """An identity that is kept after the database session of its look-up was closed.

    Its ``user``, an object of the database, is loaded each time it is read, in the
    session of the event that reads it.

    :param config: the application's configuration.
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
        return self._metadata.get_user(self, self["repoze.who.userid"])

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key == "user" else super().get(key, default)

    def __repr__(self) -> str:
        return f"<Identity (hidden, dict-like) at {id(self):#x}>"
