"""Checks of options.

Each check takes the name of an option and any value, and returns the value to keep. It
raises a :class:`ValueError` for an invalid value: one line that begins with the name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from os import PathLike
from typing import Any

from ...wire.escape import SHOWN
from ...wire.forwarded import TrustedProxies
from ...wire.origin import Origins, bracketed, join_port, parse_authority
from ...wire.socketio.generations import GENERATIONS

#: Every transport that any generation can use.
TRANSPORTS = tuple(
    dict.fromkeys(name for each in GENERATIONS for name in each.transports)
)


#: The limits of times, in seconds. Clients receive the two times of the heartbeat in
#: whole milliseconds, and wait for their sum. The timers of browsers are limited to
#: 2 ** 31 - 1 milliseconds: a longer one expires at once.
LEAST_SECONDS = 0.001
MOST_SECONDS = 1_000_000

#: The largest number. Clients receive ``max_message_size``, and JavaScript's integers
#: are exact up to this one.
MOST_NUMBER = 2**53 - 1

MOST_PORT = 65535
MOST_MODE = 0o777


def check_integer(name: str, value: Any) -> int:
    """A whole number that is not too large."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name}: {shown(value)} is not a whole number")
    if value > MOST_NUMBER:
        raise ValueError(f"{name}: {shown(value)} is more than {MOST_NUMBER}")
    return value


def check_positive(name: str, value: Any) -> int:
    """A whole number greater than 0."""
    if check_integer(name, value) <= 0:
        raise ValueError(f"{name}: {shown(value)} is not greater than 0")
    return int(value)


def check_not_negative(name: str, value: Any) -> int:
    """A whole number that is 0 or greater."""
    if check_integer(name, value) < 0:
        raise ValueError(f"{name}: {shown(value)} is less than 0")
    return int(value)


def check_seconds(name: str, value: Any) -> float:
    """A time that clients and timers can count; not NaN."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ValueError(f"{name}: {shown(value)} is not a number")
    if not value > 0:
        raise ValueError(f"{name}: {shown(value)} is not greater than 0")
    if value < LEAST_SECONDS:
        raise ValueError(f"{name}: {shown(value)} is less than {LEAST_SECONDS}")
    if value > MOST_SECONDS:
        raise ValueError(f"{name}: {shown(value)} is more than {MOST_SECONDS}")
    return value


def check_seconds_or_0(name: str, value: Any) -> float:
    """A time, or 0."""
    none = value == 0 and not isinstance(value, bool)
    return 0 if none else check_seconds(name, value)


def check_port(name: str, value: Any) -> int:
    """The number of a TCP port; 0 for any free port."""
    if check_not_negative(name, value) > MOST_PORT:
        raise ValueError(f"{name}: {shown(value)} is more than {MOST_PORT}")
    return int(value)


def check_list(name: str, values: Any) -> tuple[str, ...]:
    """Texts, in an iterable that is not a text itself."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise ValueError(f"{name}: {shown(values)} is not a list")
    return tuple(check_text(name, each) for each in values)


def check_transports(name: str, values: Any) -> tuple[str, ...]:
    """Names of transports that some generation has."""
    names = check_list(name, values)
    if not names:
        raise ValueError(f"{name}: it is empty; name {' or '.join(TRANSPORTS)}")
    for each in names:
        if each not in TRANSPORTS:
            known = " or ".join(TRANSPORTS)
            raise ValueError(f"{name}: {shown(each)} is not {known}")
    return names


def check_resources(name: str, values: Any) -> tuple[str, ...]:
    """Paths of Socket.IO, without slashes around them; a text is one of them."""
    paths = check_list(name, [values] if isinstance(values, str) else values)
    if not paths:
        raise ValueError(f"{name}: it is empty; name the path of a controller")
    return tuple(each.strip("/") for each in paths)


def check_origins(name: str, values: Any) -> Origins:
    """Origins whose pages may connect, in addition to the server's own."""
    if isinstance(values, Origins):
        return values
    return Origins(check_list(name, values), name)


def check_proxies(name: str, values: Any) -> TrustedProxies:
    """Proxies whose headers are believed."""
    if isinstance(values, TrustedProxies):
        return values
    return TrustedProxies(check_list(name, values), name)


def check_flag(name: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{name}: {shown(value)} is not true or false")
    return value


def check_text(name: str, value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise ValueError(f"{name}: {shown(value)} is not a text")
    return value


def check_place(name: str, value: Any) -> str:
    """An address, or the path of a file: printable, without spaces around it. An empty
    text is refused, since it would mean all addresses, or no TLS.
    """
    text = check_text(name, os.fspath(value) if isinstance(value, PathLike) else value)
    if not text.isprintable() or text != text.strip() or not text:
        raise ValueError(f"{name}: {shown(text)} is not a name")
    return text


def check_internal(name: str, value: Any) -> tuple[str, int]:
    """An address of this machine, and a port; 0 for any free port."""
    if isinstance(value, tuple) and [*map(type, value)] == [str, int]:
        host, port = value  # it has been checked before
        value = join_port(host, port) if port else bracketed(host)
    found = parse_authority(check_place(name, value), "")
    if found is None or found.host in ("", "0.0.0.0", "[::]"):  # noqa: S104
        raise ValueError(
            f"{name}: {shown(value)} is not an address that other machines reach, such "
            "as 10.0.0.1 or 10.0.0.1:9000"
        )
    return found.host.strip("[]"), found.port


def check_mode(name: str, value: Any) -> int:
    """The permissions of a file."""
    if check_not_negative(name, value) > MOST_MODE:
        raise ValueError(f"{name}: {value:o} is more than {MOST_MODE:o}")
    return int(value)


def check_path(name: str, value: Any) -> str | None:
    """The path of a URL; None for None and for an empty text."""
    if value is None:
        return None
    text = check_text(name, value).strip()
    if text and not re.fullmatch(r"/[!-~]*", text):
        raise ValueError(f"{name}: {shown(value)} is not a path that begins with /")
    if "?" in text or "#" in text or "%" in text:
        raise ValueError(f"{name}: {shown(value)} has ?, # or %")
    return text or None


def check_cookie(name: str, value: Any) -> str:
    """The name of a cookie: a token (RFC 6265, section 4.1.1; RFC 9110, 5.6.2)."""
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", check_text(name, value)):
        raise ValueError(f"{name}: {shown(value)} is not a valid name of a cookie")
    return str(value)


def check_samesite(name: str, value: Any) -> str:
    """``SameSite`` of a cookie, as browsers spell it."""
    spelled = check_text(name, value).capitalize()
    if spelled not in ("Lax", "Strict", "None"):
        raise ValueError(f"{name}: {shown(value)} is not Lax, Strict or None")
    return spelled


def nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """For an error about an unknown name: the known one that it may stand for.

    :param prefix: what all the names begin with.
    """
    without = {each.removeprefix(prefix): each for each in sorted(known)}
    found = get_close_matches(name.removeprefix(prefix)[:SHOWN], without, 1)
    return f" (did you mean {without[found[0]]}?)" if found else ""


def unknown(name: str, known: Iterable[str], prefix: str = "") -> str:
    """The error about an option that does not exist; see :func:`nearest`."""
    names = sorted(known)
    near, there = nearest(name, names, prefix), ", ".join(names)
    return f"{shown(name)[1:-1]} is not an option{near}; the options are: {there}"


def shown(value: Any) -> str:
    """A value as an error shows it: on one line, and short."""
    try:
        text = repr(value)
    except Exception:  # a number may have too many digits
        text = f"<{type(value).__name__}>"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
