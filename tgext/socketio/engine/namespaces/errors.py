"""The exceptions that refuse a client, or an event of a client."""

from __future__ import annotations

from typing import Any


class ConnectionRefused(Exception):
    """Raised by a namespace to refuse a client, in ``initialize`` or ``recv_connect``.

    :param message: the text for the client (``connect_error`` of clients 3.x and 4.x;
        0.9 clients see ``connect_failed`` with ``unauthorized``).
    :param data: further data for the client, any JSON value. Clients 1.x and 2.x get
        only one of the two: the data, if there are any.
    """

    message: str = "Connection refused"
    data: Any = None

    def __init__(self, message: str = message, data: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class EventRefused(Exception):
    """Answers an event with an ``error`` event.

    :param name: the error's name.
    :param info: its description; any JSON value.
    :param data: as of :class:`ConnectionRefused`, when the event is a client's arrival
        in a namespace.
    """

    def __init__(self, name: str, info: Any, data: Any = None) -> None:
        super().__init__(name, info)
        self.name = name
        self.info = info
        self.data = data
