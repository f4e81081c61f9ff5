"""The options of a server that cannot be anything: what is wrong is said in a line.

Each function raises :class:`ValueError` with a message that names the option.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...wire.origin import Origins
from ...wire.socketio.generations import SOCKETIO_1, SOCKETIO_4, SOCKETIO_5

GENERATIONS = (SOCKETIO_1, SOCKETIO_4, SOCKETIO_5)

#: Every transport that any generation can use.
TRANSPORTS = tuple(
    dict.fromkeys(name for each in GENERATIONS for name in each.transports)
)


def check_transports(names: Sequence[str] | None) -> tuple[str, ...]:
    """The transports to serve; all of them by default."""
    if names is None:
        return TRANSPORTS
    for name in names:
        if name not in TRANSPORTS:
            known = ", ".join(TRANSPORTS)
            raise ValueError(f"transports: {name!r} is none of {known}")
    return tuple(names)


def check_origins(
    values: Sequence[str] | Origins, option: str = "allowed_origins"
) -> Origins:
    """The origins whose pages may connect, besides the server's own."""
    if isinstance(values, Origins):
        return values
    if isinstance(values, str):
        raise ValueError(f"{option}: {values!r} is not a list")
    return Origins(values, option)


def check_positive(**options: float | None) -> None:
    """Numbers that are greater than 0, or not set."""
    for name, value in options.items():
        if value is not None and not value > 0:
            raise ValueError(f"{name}: {value!r} is not greater than 0")


def check_cookie(name: str | None) -> str | None:
    """The name of a cookie, if there is one."""
    if name is not None and not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ValueError(f"cookie: {name!r} cannot be the name of a cookie")
    return name


def check_samesite(value: str) -> str:
    """``SameSite`` of a cookie, as browsers spell it."""
    if value.capitalize() not in ("Lax", "Strict", "None"):
        raise ValueError(f"cookie_samesite: {value!r} is none of Lax, Strict, None")
    return value.capitalize()
