"""Runs the events of one connection, each in a span of OpenTelemetry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.concurrency.failures import Reported
from ..engine.lines import address_of
from ..engine.logs import ARGUMENT
from ..engine.namespaces.errors import EventRefused
from ..engine.namespaces.events import label_of
from ..wire.escape import escape
from ..wire.socketio.packet import EVENTS, Packet
from .runner import Runner
from .tracing import find_tracer, is_wanted, note_failure


class TracedRunner(Runner):
    """A runner that makes a span of each event."""

    #: The tracer; set by :func:`runner_of`.
    tracer: Any = None

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """See :meth:`.Runner.run`. A failure is an exception of the span, a refusal an
        attribute.
        """
        packet: Any = args[-1] if args else None
        if isinstance(packet, dict) and packet.get("type") in EVENTS:
            return self._run_traced(packet, function, *args)  # type: ignore[arg-type]
        return super().run(function, *args)

    def _run_traced(
        self, packet: Packet, function: Callable[..., Any], *args: Any
    ) -> Any:
        from opentelemetry.trace import SpanKind, StatusCode

        name, attributes = self._describe(args[0], packet)
        with self.tracer.start_as_current_span(
            name,
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                result = super().run(function, *args)
            except EventRefused as refused:
                span.set_attribute("socketio.error", escape(refused.name))
                raise
            except Reported as reported:
                if reported.__cause__ is not None:
                    note_failure(span, reported.__cause__)
                span.set_status(StatusCode.ERROR)
                raise
            if "refusal" in packet:
                span.set_attribute("socketio.error", escape(packet["refusal"][0]))
            return result

    def _describe(
        self, namespace: Any, packet: Packet
    ) -> tuple[str, dict[str, str | int]]:
        """The name of the span, which is one of few, and its attributes."""
        endpoint, label = packet["endpoint"] or "/", label_of(namespace, packet)
        socket = self._socket
        attributes: dict[str, str | int] = {
            "messaging.system": "socketio",
            "socketio.namespace": endpoint,
            "socketio.event": label,
            "socketio.session": socket.log_name,
        }
        address, user = address_of(socket.environ), socket._tgsio_user
        if address is not None:
            attributes["client.address"] = address
        if user is not None:
            attributes["user.id"] = escape(user, ARGUMENT)
        return f"{endpoint} {label}", attributes


def runner_of(*args: Any) -> Runner:
    """The runner of a new connection: one with spans, if they are set up and wanted.

    :param args: of :class:`.Runner`.
    """
    tracer = find_tracer()
    if tracer is None or not is_wanted(args[1].config):
        return Runner(*args)
    runner = TracedRunner(*args)
    runner.tracer = tracer
    return runner
