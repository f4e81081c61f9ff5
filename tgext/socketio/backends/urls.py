"""Where a broker is, from a text in which there may be a password.

What Python's and the brokers' libraries say of a URL that they cannot read quotes parts
of it, and which part they take for the port, or for the host, depends on the password.
So nothing of it is told but what the option is, and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from .errors import BackendOptionError

OPTION: Final = "anypubsub.host"

#: What is said of a URL that cannot be read.
UNREADABLE: Final = (
    "this URL cannot be: the host, the port or an option cannot be read. If the user "
    "name or the password has other characters than letters and digits, percent-encode "
    "them (@ is %40, : %3A, / %2F, ? %3F, # %23, % %25)"
)

#: Shorter texts are not looked for: they are parts of any message.
_SHORTEST: Final = 3


def split(url: str, schemes: Iterable[str]) -> SplitResult:
    """The parts of a URL.

    :param schemes: those that it may have.
    :raises BackendOptionError: when it cannot be; nothing of it is in the message.
    """
    known = " or ".join(f"{each}://" for each in schemes)
    scheme, _, rest = url.partition("://")
    if scheme not in schemes:
        raise BackendOptionError(OPTION, f"this URL cannot be: it begins with {known}")
    # What ends the host (RFC 3986, section 3.2) also ends it inside of a password.
    authority, *after = re.split("[/?#]", rest, maxsplit=1)
    if (
        (after and "@" in after[0])
        or re.search(r"[#\s\x00-\x1f\x7f\\]", url)
        # What stands for a port where there is no host may be a password.
        or authority.rpartition("@")[2].startswith(":")
    ):
        raise BackendOptionError(OPTION, UNREADABLE)
    try:
        parts = urlsplit(url)
        _ = parts.hostname, parts.port or parts.netloc.count(",")
    except ValueError:
        # One that lists several hosts has no port that could be read.
        if "," in rest and "+" in scheme:
            return _without_port(url)
        raise BackendOptionError(OPTION, UNREADABLE) from None
    return parts


def _without_port(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise BackendOptionError(OPTION, UNREADABLE) from None


def check_host(host: str, scheme: str) -> str:
    """A host that is no URL.

    :param scheme: which one would be a URL's.
    :raises BackendOptionError: when it cannot be; nothing of it is in the message.
    """
    if re.search(r"[@/?#\s\\]", host):
        problem = f"this is no host; a URL begins with {scheme}://, as in"
        raise BackendOptionError(
            OPTION, f"{problem} {scheme}://user:password@host, percent-encoded"
        )
    return host


def read_amqp(url: str) -> dict[str, Any]:
    """The options of py-amqp that a URL says: ``amqp://user:password@host/vhost``.

    :raises BackendOptionError: when it cannot be; nothing of it is in the message.
    """
    parts = split(url, ("amqp", "amqps"))
    ssl = parts.scheme == "amqps"
    port = parts.port or (5671 if ssl else 5672)
    given: dict[str, Any] = {
        "host": f"{parts.hostname or 'localhost'}:{port}",
        "ssl": ssl,
    }
    if parts.username is not None:
        given["userid"] = unquote(parts.username)
    if parts.password is not None:
        given["password"] = unquote(parts.password)
    if len(parts.path) > 1:
        given["virtual_host"] = unquote(parts.path[1:])
    return given


class Credentials:
    """User names and passwords, which no message shows.

    :param values: they; what is no text, or empty, is left out.
    """

    def __init__(self, values: Iterable[object]) -> None:
        texts = {each for each in values if isinstance(each, str)}
        # The longest first: one may be a part of another.
        self._texts = sorted(
            (each for each in texts if len(each) >= _SHORTEST), key=len, reverse=True
        )

    def __repr__(self) -> str:
        return "<Credentials>"

    def hide(self, message: object) -> str:
        """A message without them, as of a library's error."""
        text = str(message)
        for each in self._texts:
            text = text.replace(each, "***")
        return text

    def cause(self, error: BaseException) -> BaseException | None:
        """The error as the cause of another, if its message shows none of them."""
        return error if self.hide(error) == str(error) else None
