"""What runs the events of a connection: the application's functions, one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol


class EventRunner(Protocol):
    """Runs what the application defined, within what its framework needs.

    A framework gives ``socket.runner`` one of its own when it accepts a connection, in
    the view that calls ``socketio_manage``.
    """

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function as an event.

        :param args: what the function is called with; the last is the packet that the
            client sent, if one led to the event.
        :returns: what the function returned.
        :raises ConnectionRefused: when the function did.
        :raises EventRefused: to answer the event with an error.
        :raises Reported: when the function failed, and that was logged.
        """

    def job(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function that a namespace's ``spawn`` runs for a function.

        A job is not an event and has no context, but releases what it used at its end,
        such as a database session.
        """


class PlainRunner:
    """Runs functions as they are: the engine without a framework."""

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function."""
        return function(*args)

    def job(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself."""
        return function


#: It has no state: one is enough.
PLAIN: Final = PlainRunner()
