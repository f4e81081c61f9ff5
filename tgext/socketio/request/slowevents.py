"""Slow events: TurboGears reports them as slow pages (``trace_slowreqs.``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tg.configurator.components.slow_requests import SlowRequestsConfigurationComponent

from ..wire.escape import escape


class SlowEvents:
    """Has events reported that take longer than ``trace_slowreqs.interval``.

    :param middleware: backlash's, around an empty application.
    """

    def __init__(self, middleware: Any) -> None:
        self._middleware = middleware

    def watch(self, event: Any) -> None:
        """Begin to watch an :class:`~.event.Event`. Its environment is made."""
        event.watched = environ = dict(event.environ)
        packet = event.packet or {}
        name = packet.get("name") or packet.get("type") or "callback of an ack"
        namespace = escape(packet.get("endpoint") or "/")
        path = environ.get("PATH_INFO", "")
        environ["PATH_INFO"] = f"{path} ({escape(name)} of namespace {namespace})"
        self._middleware._start_tracing(environ)

    def forget(self, event: Any) -> None:
        """The event has ended."""
        watched, event.watched = event.watched, None
        if watched is not None:
            self._middleware._cancel_tracing(watched)


def make_slow_events(config: Mapping[str, Any]) -> SlowEvents | None:
    """What watches the events of an application.

    :returns: None without ``trace_slowreqs.enable``, and where backlash is missing.
    """
    if not config.get("tg.slowreqs", {}).get("enable"):
        return None
    component = SlowRequestsConfigurationComponent()
    middleware = component._add_middleware(config, _answer_nothing)
    return None if middleware is _answer_nothing else SlowEvents(middleware)


def _answer_nothing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    return []
