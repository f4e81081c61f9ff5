"""How the application's functions are called for the events of a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, Protocol

from ..hub.rooms import Rooms


class EventRunner(Protocol):
    """Runs the application's functions in the context that its framework provides.

    A framework sets ``socket.runner`` when it accepts a connection, in the view that
    calls ``socketio_manage``.

    :cvar answer_decides: whether the answer of that view decides about the connection,
        too. Otherwise the call of ``socketio_manage`` has decided.
    :ivar rooms: the rooms of the application; None for those of the server.
    """

    answer_decides: ClassVar[bool]
    rooms: Rooms | None

    @property
    def user(self) -> Any:
        """The id of the user of the connection; None when it is anonymous."""

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function as an event.

        :param args: what the function is called with; the last is the packet that the
            client sent, if one led to the event.
        :returns: what the function returned.
        :raises ConnectionRefused: when the function raised it.
        :raises EventRefused: to answer the event with an error.
        :raises Reported: when the function failed, and the failure has been logged.
        """

    def job(
        self, function: Callable[..., Any], endpoint: str | None = None
    ) -> Callable[..., Any]:
        """Wrap a function that ``spawn`` will run.

        A job is not an event: it has neither a user nor a transaction. But it runs
        inside its application, and releases what it used at its end, such as a database
        session.

        :param endpoint: the name of the namespace; None for a job of the connection.
        """

    def run_in_job(self, function: Callable[[], Any]) -> Any:
        """Run a function of a job as an event.

        :returns: what the function returned.
        :raises Exception: what the function raised; it is not logged.
        """

    def let_go(self) -> None:
        """Called once when the connection has ended: refer to it without keeping it."""


class PlainRunner:
    """Calls functions directly, for an application without a framework."""

    answer_decides: ClassVar = False
    rooms: Rooms | None = None
    user: Any = None

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function."""
        return function(*args)

    def job(
        self, function: Callable[..., Any], endpoint: str | None = None
    ) -> Callable[..., Any]:
        """The function itself."""
        return function

    def run_in_job(self, function: Callable[[], Any]) -> Any:
        """Call a function."""
        return function()

    def let_go(self) -> None:
        pass  # it refers to no connection


#: It has no state: one is enough.
PLAIN: Final = PlainRunner()
