"""What an option is: how its text is read, and which values it may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .checks import (
    check_flag,
    check_mode,
    check_not_negative,
    check_place,
    check_port,
    check_positive,
    check_resources,
    check_seconds,
    check_seconds_or_0,
    check_text,
    shown,
)


def split(value: str) -> list[str]:
    """Split a text at commas and spaces."""
    return value.replace(",", " ").split()


def octal(value: str) -> int:
    """Read the permissions of a file, such as ``0660``."""
    return int(value, 8)


_TRUE = frozenset({"true", "yes", "on", "y", "t", "1"})
_FALSE = frozenset({"false", "no", "off", "n", "f", "0"})


def truth(value: str) -> bool:
    """Read true or false, as PasteDeploy does."""
    word = value.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


# Rows


@dataclass(frozen=True)
class Kind:
    """The type of an option's values.

    :param cast: converts the text of a file; raises :class:`ValueError` when it
        is invalid.
    :param noun: what the text should be, for the error.
    :param check: one of :mod:`.checks`.
    """

    cast: Callable[[str], Any]
    noun: str
    check: Callable[[str, Any], Any]


SECONDS = Kind(float, "a number", check_seconds)
SECONDS_OR_0 = Kind(float, "a number", check_seconds_or_0)
NUMBER = Kind(int, "a whole number", check_positive)
NUMBER_OR_0 = Kind(int, "a whole number", check_not_negative)
PORT = Kind(int, "a whole number", check_port)
TEXT = Kind(str, "a text", check_text)
PLACE = Kind(str, "a text", check_place)
FLAG = Kind(truth, "true or false", check_flag)
MODE = Kind(octal, "a mode such as 0660", check_mode)

RESOURCES = Kind(split, "a list", check_resources)

#: The most things of a kind that one connection may have. Its account checks them.
PER_CONNECTION = Kind(int, "a whole number", check_positive)


@dataclass(frozen=True)
class Option:
    """One row of the table.

    :param default: the value when the option is not set, or is set to None.
    :param unit: of the value: ``s`` (seconds), ``bytes``, or none.
    :param meaning: what the option is for.
    :param exceeded: what happens when the value is exceeded; "" if it is not a limit.
    :param shown: the default in words, if it is not a number with its unit.
    """

    name: str
    default: Any
    kind: Kind
    unit: str
    meaning: str
    exceeded: str = ""
    shown: str = ""

    @property
    def default_text(self) -> str:
        """The default, as the documentation shows it."""
        if self.shown:
            return self.shown
        if self.unit == "bytes":
            return f"{self.default:,} bytes"
        return f"{self.default:g} {self.unit}" if self.unit else str(self.default)

    def read(self, value: Any) -> Any:
        """Convert the text of a file. Other values are returned unchanged.

        :raises ValueError: when it is invalid; the message names the option.
        """
        if not isinstance(value, str):
            return value
        try:
            return self.kind.cast(value)
        except ValueError:
            problem = f"{shown(value)} is not {self.kind.noun}"
            raise ValueError(f"{self.name}: {problem}") from None

    def check(self, value: Any) -> Any:
        """The value to keep; the default for None.

        :raises ValueError: when it is invalid; the message names the option.
        """
        if value is None:
            value = self.default
        return None if value is None else self.kind.check(self.name, value)


def row(
    default: Any,
    kind: Kind,
    unit: str,
    meaning: str,
    exceeded: str = "",
    shown: str = "",
) -> Any:
    """A field of :class:`Settings`; see :class:`Option`."""
    rest = {
        "kind": kind,
        "unit": unit,
        "meaning": meaning,
        "exceeded": exceeded,
        "shown": shown,
    }
    return field(default=default, metadata=rest)
