"""Errors of the backends.

::

    BackendError
    ├── BackendOptionError   an option is invalid; the message names it
    └── BrokerUnavailable    the broker does not answer
        └── BrokerRefused    it answers, and refuses
            └── KeyInUse     what is under a key is of another type
"""

from __future__ import annotations

from copy import copy


class BackendError(Exception):
    """A backend cannot do what it was asked."""


class BackendOptionError(BackendError):
    """An ``anypubsub.`` or ``socketio.cluster`` option is invalid.

    :param name: the full name of the option: ``anypubsub.host``.
    :param problem: what is wrong, and what to do.
    """

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name


class BrokerUnavailable(BackendError):
    """The broker cannot be reached, refuses or does not answer in time.

    A message whose publishing raised this may have arrived nevertheless, if the
    connection was lost before the answer came.
    """


class BrokerRefused(BrokerUnavailable):
    """The broker refuses a command."""

    @classmethod
    def of(cls, text: str) -> BrokerRefused:
        """The error with a text that has what Redis answered."""
        return (KeyInUse if "WRONGTYPE" in text else cls)(text)


class KeyInUse(BrokerRefused):
    """What the broker has under a key is of another type: not what was put there.

    It concerns this key alone, and will not change by itself.
    """


def copied(error: Exception) -> Exception:
    """An error for one of several greenlets that have the same one.

    Raising an error notes in it the exception that is being handled, which may have
    values of another client, so each greenlet raises an object of its own. Its message
    says what the cause was.
    """
    try:
        own = copy(error)
    except Exception:  # its arguments are not those of its class
        own = type(error).__new__(type(error), *error.args)
        own.__dict__.update(error.__dict__)
    own.__suppress_context__ = True
    return own
