"""The options of a broker, from an application's configuration."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from ..engine.hub.checks import MOST_PORT, check_positive, nearest
from ..engine.hub.options import Kind, Option
from .errors import BackendOptionError

#: What the names of the options begin with.
PREFIX: Final = "anypubsub."


def check_port(name: str, value: Any) -> int:
    """The number of a TCP port.

    :raises ValueError: when it is invalid; the message names the option.
    """
    if check_positive(name, value) > MOST_PORT:
        raise ValueError(f"{name}: {value} is more than {MOST_PORT}")
    return int(value)


PORT = Kind(int, "a whole number", check_port)

#: Whatever it is, its text: an error would quote it, and it may be a password.
TEXT = Kind(str, "a text", lambda name, value: str(value))


def check_name(backend: str, known: Collection[str], name: str) -> None:
    """Check that a backend has an option.

    :param known: the names of its options.
    :param name: as an application's configuration has it, without ``anypubsub.``.
    :raises BackendOptionError: when it has not.
    """
    if name not in known:
        names = [PREFIX + each for each in (*known, "backend")]
        near = nearest(PREFIX + name, names, PREFIX)
        there = f"there are: {', '.join(sorted(known))}" if known else "it has none"
        problem = f"is not an option of the {backend} backend{near}; {there}"
        raise BackendOptionError(PREFIX + name, problem)


def read_options(
    backend: str, kinds: Mapping[str, Kind], given: Mapping[str, Any]
) -> dict[str, Any]:
    """The options that are set, converted and checked.

    :param backend: the name of the backend, for the error.
    :param kinds: the type of each option, by name.
    :param given: texts of a file, or values.
    :raises BackendOptionError: when one is unknown or invalid.
    """
    read: dict[str, Any] = {}
    for name, value in given.items():
        full = PREFIX + name
        check_name(backend, kinds, name)
        option = Option(name, None, kinds[name], "", "")
        try:
            checked = option.check(option.read(value))
        except ValueError as error:
            problem = str(error).removeprefix(f"{name}: ")
            raise BackendOptionError(full, problem) from None
        if checked is not None:
            read[name] = checked
    return read
