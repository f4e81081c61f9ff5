"""Namespaces that several tests use."""

from __future__ import annotations

from typing import Any, TypeVar

from gevent.event import Event

from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.engine.namespace import BaseNamespace

from .clients import DEADLINE

Some = TypeVar("Some", bound=BaseNamespace)


class Echo(BaseNamespace):
    """Acks an event with its arguments."""

    def on_echo(self, *args: Any) -> Any:
        return args


class Witness(Echo):
    """Records why its clients left.

    :cvar left: their reasons, by order of leaving.
    """

    left: list[str | None]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.left = []

    def recv_disconnect(self) -> None:
        self.left.append(self.disconnect_reason)
        self.disconnect(silent=True)


class Holding(Witness):
    """Handlers that go on when the test says so, and that note what they are given.

    :cvar notes: the arguments of ``note`` events.
    """

    entered: Event
    go_on: Event
    notes: list[Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.entered, cls.go_on, cls.notes = Event(), Event(), []

    def hold(self) -> None:
        self.entered.set()
        assert self.go_on.wait(DEADLINE)

    def on_hold(self) -> None:
        self.hold()

    def on_note(self, value: Any, *more: Any) -> Any:
        self.notes.append(value)
        return value


class RoomEvents:
    """Rooms and broadcasts that the client asks for, by whatever mixins have them."""

    join: Any
    leave: Any
    emit_to_room: Any
    broadcast_event: Any
    broadcast_event_not_me: Any

    def on_join(self, room: str) -> None:
        self.join(room)

    def on_leave(self, room: str) -> None:
        self.leave(room)

    def on_say(self, room: str, *words: Any) -> None:
        self.emit_to_room(room, "said", *words)

    def on_shout(self, *words: Any) -> None:
        self.broadcast_event("shouted", *words)

    def on_shout_to_others(self, *words: Any) -> None:
        self.broadcast_event_not_me("shouted", *words)


class Chat(RoomEvents, RoomsMixin, BroadcastMixin, Echo):
    """A chat with this package's mixins."""


def fresh(cls: type[Some], **attributes: Any) -> type[Some]:
    """A namespace of a test's own, whose notes are empty."""
    return type(cls.__name__, (cls,), attributes)
