"""Options of gevent-socketio's server that are not options of this one.

An application that was written for it may pass them: those that mean something here are
translated, the others are left out with one warning.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..hub.checks import check_place
from ..hub.settings import OPTIONS
from ..logs import get_logger

log = get_logger(__name__)

_FLASH = "Flash is not served"

#: Options without effect, and why.
_WITHOUT_EFFECT = {
    "policy_server": _FLASH,
    "policy_listener": _FLASH,
    "policy_listener_host": _FLASH,
    "policy_listener_port": _FLASH,
    "ws_handler_class": "the server has WebSockets of its own",
    "ssl_version": "the server speaks TLS 1.2 and later",
}

#: How the TLS connection behaves as a Python object: nothing that a client notices.
_UNNOTICED = ("do_handshake_on_connect", "server_side", "suppress_ragged_eofs")

#: gevent-socketio converts these, so that they may be texts.
_SECONDS = ("heartbeat_interval", "heartbeat_timeout", "close_timeout")


class AccessLogFile:
    """Appends the lines of the access log to a file, which may be moved meanwhile.

    :param path: of the file.
    :raises OSError: when it cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.write("")

    def write(self, text: str) -> None:
        """Append a text."""
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(text)


def translate(
    options: dict[str, Any], resource: str | Iterable[str]
) -> str | Iterable[str]:
    """Translate the options of gevent-socketio's server.

    :param options: those given to the server; they are changed.
    :returns: the path of Socket.IO, or several.
    :raises ValueError: when one is invalid; the message names it.
    """
    dropped = {
        name: why
        for name, why in _WITHOUT_EFFECT.items()
        if options.pop(name, None) not in (None, False, "False", "false")
    }
    for name in _UNNOTICED:
        options.pop(name, None)
    for name in _SECONDS:
        if name in options:
            options[name] = OPTIONS[name].read(options[name])
    if _without_flash(options):
        dropped["flashsocket in transports"] = _FLASH
    if options.get("namespace") is not None:
        resource = options["namespace"]
        dropped["namespace"] = "it is the old name of resource, and was taken for it"
    options.pop("namespace", None)
    path = options.pop("log_file", None)
    if path is not None:
        options["log"] = _open_log(path)
    if dropped:
        reasons = ", ".join(f"{name} ({why})" for name, why in dropped.items())
        log.warning("Options of gevent-socketio's server; remove them: %s", reasons)
    return resource


def _without_flash(options: dict[str, Any]) -> bool:
    """Remove the transport that needs Flash; whether it was there."""
    names = options.get("transports")
    if not isinstance(names, (list, tuple, set, frozenset)):
        return False
    options["transports"] = [each for each in names if each != "flashsocket"]
    return "flashsocket" in names


def _open_log(path: Any) -> AccessLogFile:
    try:
        return AccessLogFile(check_place("log_file", path))
    except OSError as error:
        reason = error.strerror
        raise ValueError(f"log_file: {path!r} cannot be written: {reason}") from None
