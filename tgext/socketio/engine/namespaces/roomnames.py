"""``session['rooms']``: the names of the rooms that a client is in.

With gevent-socketio, these names are the membership, and applications write them. Here
the hub knows the members of each room; a name that is written joins or leaves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

from ..concurrency.fairness import in_turns
from ..hub.roomkeys import Room, check_room
from .client import Client

#: The key of the session.
ROOMS = "rooms"

#: How a number is written as the name of a room.
NUMBER = re.compile(r"0|-?[1-9][0-9]{0,98}")


class Named(Protocol):
    """A namespace with rooms, whose names the application may choose."""

    ns_name: str
    session: dict[str, Any]

    @property
    def socket(self) -> Client: ...

    @property
    def _tgsio_prefix(self) -> str:
        """What all its names begin with; empty if the application names its rooms."""

    def _tgsio_rooms_of(self, name: object) -> tuple[Room, ...]:
        """The rooms of the namespace that a name stands for."""

    def _tgsio_name_of(self, room: Room) -> str:
        """The name of a room."""

    def _tgsio_written(self, added: Iterable[object], removed: Iterable[object]) -> Any:
        """The application wrote names: join and leave."""


def _named(namespaces: Mapping[str, Any]) -> list[Named]:
    """The namespaces that have rooms."""
    found = list(namespaces.values())
    return [each for each in found if hasattr(each, "_tgsio_written")]


class RoomNames(set[Any]):
    """The names of a client's rooms; a change joins and leaves.

    Operators and ``copy`` return plain sets.

    :param names: the names; they are not joined.
    :param client: the client; None when changes have no effect.
    """

    __slots__ = ("client",)

    def __init__(self, names: Iterable[Any] = (), client: Client | None = None) -> None:
        super().__init__(names)
        self.client = client

    def __reduce__(self) -> tuple[Any, ...]:
        return set, (list(self),)

    def become(self, wanted: set[Any]) -> None:
        """Change to other names.

        :raises LimitExceeded: when there are more than ``max_rooms``.
        """
        added, removed = wanted - self, self - wanted
        check(self.client, len(wanted), added)
        super().difference_update(removed)
        super().update(added)
        tell(self.client, added, removed)

    def _change(self, change: Callable[..., object], *args: Any) -> None:
        wanted = set(self)
        change(wanted, *args)
        self.become(wanted)

    def add(self, name: Any) -> None:
        if name not in self:
            check(self.client, len(self) + 1, (name,))
            super().add(name)
            tell(self.client, (name,), ())

    def discard(self, name: Any) -> None:
        if name in self:
            super().discard(name)
            tell(self.client, (), (name,))

    def remove(self, name: Any) -> None:
        super().remove(name)
        tell(self.client, (), (name,))

    def pop(self) -> Any:
        name = super().pop()
        tell(self.client, (), (name,))
        return name

    def clear(self) -> None:
        self.become(set())

    def update(self, *others: Iterable[Any]) -> None:
        self._change(set.update, *others)

    def intersection_update(self, *others: Iterable[Any]) -> None:
        self._change(set.intersection_update, *others)

    def difference_update(self, *others: Iterable[Any]) -> None:
        self._change(set.difference_update, *others)

    def symmetric_difference_update(self, other: Iterable[Any]) -> None:
        self._change(set.symmetric_difference_update, other)

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]
        self._change(set.__ior__, other)
        return self

    def __iand__(self, other: Any) -> Any:  # type: ignore[misc]
        self._change(set.__iand__, other)
        return self

    def __isub__(self, other: Any) -> Any:  # type: ignore[misc]
        self._change(set.__isub__, other)
        return self

    def __ixor__(self, other: Any) -> Any:  # type: ignore[misc]
        self._change(set.__ixor__, other)
        return self


def check(client: Client | None, number: int, added: Collection[Any]) -> None:
    """Check how many rooms are named.

    :raises LimitExceeded: when there are more than ``max_rooms``.
    """
    if client is not None and added:
        client.account.check("max_rooms", number - 1)


def tell(
    client: Client | None, added: Collection[Any], removed: Collection[Any]
) -> None:
    """Let the namespaces of a client join and leave the rooms of names."""
    if client is not None and (added or removed):
        for namespace in _named(client.active_ns):
            namespace._tgsio_written(added, removed)


class Session(dict[str, Any]):
    """The ``session`` of a connection, a dict of the application's.

    A set that is assigned to ``session['rooms']`` becomes a :class:`RoomNames`.

    :param client: the client.
    """

    __slots__ = ("client",)

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client: Client | None = client

    def let_go(self) -> None:
        """The connection has ended: the application may keep this."""
        self.client = None
        rooms = self.get(ROOMS)
        if isinstance(rooms, RoomNames):
            rooms.client = None

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)

    def __setitem__(self, key: str, value: Any) -> None:
        if key == ROOMS:
            self._set_rooms(value)
        else:
            super().__setitem__(key, value)

    def _set_rooms(self, value: Any) -> None:
        before = self.get(ROOMS)
        if value is before:
            return
        after = value
        if isinstance(value, (set, frozenset)):
            after = RoomNames(value, self.client)
        old, new = _names(before), _names(after)
        check(self.client, len(new), new - old)
        super().__setitem__(ROOMS, after)
        self._drop(before, new)

    def _drop(self, before: Any, new: set[Any] | RoomNames) -> None:
        """Forget the names that were there before."""
        old = _names(before)
        if isinstance(before, RoomNames):
            before.client = None  # the application may keep it
        tell(self.client, new - old, old - new)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def pop(self, key: str, *default: Any) -> Any:
        value = super().pop(key, *default)
        if key == ROOMS:
            self._drop(value, set())
        return value

    def popitem(self) -> tuple[str, Any]:
        key, value = super().popitem()
        if key == ROOMS:
            self._drop(value, set())
        return key, value

    def clear(self) -> None:
        before = self.get(ROOMS)
        super().clear()
        self._drop(before, set())

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]
        self.update(other)
        return self


def _names(value: Any) -> set[Any] | RoomNames:
    return value if isinstance(value, RoomNames) else set()


def note(namespace: Any, name: object) -> None:
    """Add the name of a room that a namespace has joined.

    Others that name their rooms by themselves join it too. Else the room ``admin_x`` of
    ``/chat``, which a client may have chosen, would be the room ``x`` of
    ``/chat_admin``.
    """
    names = namespace.session[ROOMS]
    if name not in names:
        set.add(names, name)
        for each in _sharing(namespace, names):
            each._tgsio_written((name,), ())


def cross_out(namespace: Any, name: object) -> None:
    """Remove the name of a room that a namespace has left; see :func:`note`."""
    names = namespace.session.get(ROOMS)
    if not isinstance(names, set) or name not in names:
        return
    for each in _sharing(namespace, names):
        each._tgsio_written((), (name,))
    if not any(is_in(each, name) for each in _others(namespace)):
        set.discard(names, name)


def _sharing(namespace: Any, names: set[Any]) -> list[Named]:
    """The other namespaces whose rooms may be those of this one."""
    if not isinstance(names, RoomNames) or names.client is None:
        return []
    return [each for each in _others(namespace) if not each._tgsio_prefix]


def _others(namespace: Any) -> list[Named]:
    found = _named(namespace.socket.active_ns)
    return [each for each in found if each is not namespace]


def join(namespace: Any) -> None:
    """Join the rooms that are named already; the client has been admitted."""
    names = _own_names(namespace)
    if names:
        namespace._tgsio_written(names, ())


def rooms_of_names(namespace: Any) -> list[Room]:
    """The rooms that :func:`join` joins."""
    rooms = [namespace._tgsio_rooms_of(each)[:1] for each in _own_names(namespace)]
    return [each for found in rooms for each in found]


def _own_names(namespace: Any) -> set[Any]:
    """The names that are not those of rooms of other namespaces."""
    names = namespace.session.get(ROOMS)
    if not names or not hasattr(namespace, "_tgsio_written"):
        return set()
    own: set[Any] = set(names)
    if namespace._tgsio_prefix:
        for each in _others(namespace):
            if each._tgsio_prefix:
                own = {name for name in own if not is_in(each, name)}
    return own


def forget(namespace: Any, rooms: Iterable[Room]) -> None:
    """Remove the names of rooms of a namespace that the client has left.

    A name stays that is the one of a room of another of the client's namespaces too.
    """
    names = namespace.session.get(ROOMS)
    if not isinstance(names, set) or not hasattr(namespace, "_tgsio_written"):
        return
    others = _others(namespace)
    for room in in_turns(list(rooms)):
        name = namespace._tgsio_name_of(room)
        if not any(is_in(each, name) for each in others):
            set.discard(names, name)


def is_in(namespace: Named, name: object) -> bool:
    """Whether the client is in a room of a name."""
    socket = namespace.socket
    joined = socket._tgsio_rooms.rooms_of(namespace.ns_name, socket)
    return any(room in joined for room in namespace._tgsio_rooms_of(name))


def forget_refused(namespace: Any) -> None:
    """Remove the names that a namespace wrote whose client was refused."""
    if not hasattr(namespace, "jobs"):
        return  # its __init__ did not succeed
    if hasattr(namespace, "_tgsio_written") and namespace._tgsio_prefix:
        names = namespace.session.get(ROOMS) or ()
        rooms = [namespace._tgsio_rooms_of(each)[:1] for each in list(names)]
        forget(namespace, [each for found in rooms for each in found])


def rooms_named(text: str) -> tuple[Room, ...]:
    """The rooms that have a text as their names: a ``str``, and perhaps an ``int``."""
    try:
        room = check_room(text)
    except ValueError:
        return ()
    return (room, int(text)) if NUMBER.fullmatch(text) else (room,)
