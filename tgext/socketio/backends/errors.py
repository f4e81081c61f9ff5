"""What can go wrong with a backend.

::

    BackendError
    ├── BackendOptionError   an option cannot be; the message names it
    └── BrokerUnavailable    the broker does not answer
"""

from __future__ import annotations


class BackendError(Exception):
    """A backend cannot do what it was asked."""


class BackendOptionError(BackendError):
    """An ``anypubsub.`` or ``socketio.cluster`` option cannot be.

    :param name: the option, whole: ``anypubsub.host``.
    :param problem: what about it, and what to do.
    """

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name


class BrokerUnavailable(BackendError):
    """The broker cannot be reached, refuses or does not answer in time.

    A message whose publishing raised this may have arrived all the same, if the
    connection was lost while the answer was awaited.
    """
