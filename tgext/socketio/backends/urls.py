"""URLs of brokers, which may contain passwords.

Errors of Python's and the brokers' libraries quote parts of an invalid URL. If the
password has special characters, a part of it may be taken for the port or the host, and
be quoted. So our messages quote nothing of a URL, and say which option it is and what
to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from .errors import BackendOptionError

OPTION: Final = "anypubsub.host"

#: The message for a URL that cannot be parsed.
UNREADABLE: Final = (
    "this URL is invalid: the host, the port or an option cannot be read. If the user "
    "name or the password has other characters than letters and digits, percent-encode "
    "them (@ is %40, : %3A, / %2F, ? %3F, # %23, % %25)"
)

#: Characters of the shortest text that is hidden. Shorter texts occur in any message.
_SHORTEST: Final = 3


def split(url: str, schemes: Iterable[str]) -> SplitResult:
    """The parts of a URL.

    :param schemes: the allowed schemes.
    :raises BackendOptionError: when it is invalid. The message quotes nothing of it.
    """
    known = " or ".join(f"{each}://" for each in schemes)
    scheme, _, rest = url.partition("://")
    if scheme not in schemes:
        problem = f"this URL is invalid: it has to begin with {known}"
        raise BackendOptionError(OPTION, problem)
    # These characters end the authority (RFC 3986, section 3.2), also in a password.
    authority, *after = re.split("[/?#]", rest, maxsplit=1)
    if (
        (after and "@" in after[0])
        or re.search(r"[#\s\x00-\x1f\x7f\\]", url)
        # Without a host, the port may be a part of a password.
        or authority.rpartition("@")[2].startswith(":")
    ):
        raise BackendOptionError(OPTION, UNREADABLE)
    try:
        parts = urlsplit(url)
        _ = parts.hostname, parts.port or parts.netloc.count(",")
    except ValueError:
        # A list of several hosts has no single port.
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
    """Check a host that is not a URL.

    :param scheme: the scheme of a URL, for the message.
    :raises BackendOptionError: when it is invalid. The message quotes nothing of it.
    """
    if re.search(r"[@/?#\s\\]", host):
        problem = f"this is not a host; a URL begins with {scheme}://, as in"
        raise BackendOptionError(
            OPTION, f"{problem} {scheme}://user:password@host, percent-encoded"
        )
    return host


def read_amqp(url: str) -> dict[str, Any]:
    """The options of py-amqp from a URL: ``amqp://user:password@host/vhost``.

    :raises BackendOptionError: when it is invalid. The message quotes nothing of it.
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
    """User names and passwords, which are hidden in messages.

    :param values: the names and passwords. Values that are not text are ignored.
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
        """A message, such as a library's error, with ``***`` in their place."""
        text = str(message)
        for each in self._texts:
            text = text.replace(each, "***")
        return text

    def cause(self, error: BaseException) -> BaseException | None:
        """The error as the cause of another; None if its message has one of them."""
        return error if self.hide(error) == str(error) else None
