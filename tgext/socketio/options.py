"""The options of an application, in one table: those that begin with ``socketio.``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from tg.support.converters import asbool

from .engine.hub.checks import shown
from .engine.hub.options import Kind, Option

__all__ = ["APPLICATION_OPTIONS", "SECTION", "import_named", "read_option"]

#: What the names begin with.
SECTION = "socketio."


def _check_flag(name: str, value: Any) -> bool:
    return bool(value)


def _as_seconds(text: str) -> float | None:
    return float(text) if text.strip() else None  # not set


def _check_seconds(name: str, value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    if not seconds >= 0:
        raise ValueError(f"{name}: {shown(value)} is not a number of seconds")
    return seconds


def _unchecked(name: str, value: Any) -> Any:
    return value


FLAG = Kind(asbool, "true or false", _check_flag)
SECONDS = Kind(_as_seconds, "a number of seconds", _check_seconds)
#: Checked where it is used.
ANY = Kind(str, "a text", _unchecked)

#: The rows of the table, by name.
APPLICATION_OPTIONS = {
    each.name: each
    for each in (
        Option(
            "socketio.identity_ttl",
            0.0,
            SECONDS,
            "s",
            "time for which the look-up of the user holds",
        ),
        Option(
            "socketio.activity_timeout",
            None,
            SECONDS,
            "s",
            "time for which an event keeps a user logged in whose ticket has expired; "
            "0: events do not count",
            shown="the time-out of the tickets",
        ),
        Option(
            "socketio.recheck_interval",
            30.0,
            SECONDS,
            "s",
            "time after which an idle client is asked again whether it meets "
            "``allow_only``, and ``@require`` of its channels; 0: it is not",
        ),
        Option(
            "socketio.event_middleware",
            (),
            ANY,
            "",
            "functions that see the environment of each event",
            shown="none",
        ),
        Option(
            "socketio.tracing",
            True,
            FLAG,
            "",
            "whether events and messages have spans of OpenTelemetry",
            shown="true",
        ),
        Option(
            "socketio.cluster",
            False,
            FLAG,
            "",
            "whether broadcasts reach the clients of the other processes",
            shown="false",
        ),
        Option(
            "socketio.cluster_channel",
            "cluster",
            ANY,
            "",
            "the name that applications with one broker differ in",
        ),
        Option(
            "socketio.cluster_secret",
            None,
            ANY,
            "",
            "text with which the processes sign what they tell each other",
            shown="not signed",
        ),
    )
}


def import_named(option: str, given: Any) -> Any:
    """The object that an option names.

    :param option: the name of the option, for the error.
    :param given: the dotted name of an object (``package.module.name`` or
        ``package.module:name``), or the object.
    :raises ValueError: when the name leads to nothing.
    """
    if not isinstance(given, str):
        return given
    dotted = given if ":" in given else ":".join(given.rsplit(".", 1))
    module, _, name = dotted.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{option}: cannot import {given!r}: {error}") from error


def read_option(config: Mapping[str, Any], name: str) -> Any:
    """The value of an option of an application; its default when it is not set.

    :param config: the application's configuration, as ``tg.config``, or the options of
        a process without one.
    :param name: ``socketio.recheck_interval``.
    :raises ValueError: when the value is invalid; the message names the option.
    """
    option = APPLICATION_OPTIONS[name]
    return option.check(option.read(config.get(name)))
