"""Spans of OpenTelemetry, where the application has set up a tracer provider.

This package imports ``opentelemetry`` only after the application has. What travels
between processes is the ``traceparent`` of W3C Trace Context.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from .._version import __version__
from ..options import read_option

#: The option that turns spans off.
OPTION: Final = "socketio.tracing"

#: W3C Trace Context, section 3.2.
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def is_wanted(config: Mapping[str, Any]) -> bool:
    """Whether an application wants spans: ``socketio.tracing``, true by default.

    :raises ValueError: when the option is neither true nor false.
    """
    return bool(read_option(config, OPTION))


def find_tracer() -> Any:
    """The tracer of this package; None when no tracer provider is set up."""
    api: Any = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None
    provider = api.get_tracer_provider()
    if isinstance(provider, (api.ProxyTracerProvider, api.NoOpTracerProvider)):
        return None
    return api.get_tracer("tgext.socketio", __version__, provider)


def traceparent() -> str | None:
    """That of the current span; None without one."""
    from opentelemetry.trace.propagation.tracecontext import (
        TraceContextTextMapPropagator,
    )

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent")


def is_traceparent(value: object) -> bool:
    """Whether a value of another process is a ``traceparent``."""
    return isinstance(value, str) and _TRACEPARENT.fullmatch(value) is not None


@contextmanager
def publishing(tracer: Any, name: str, **attributes: str) -> Iterator[str | None]:
    """A span in which something is published.

    :param attributes: by their names, with ``_`` for dots.
    :returns: the ``traceparent`` for those who receive it; None without a tracer.
    """
    if tracer is None:
        yield None
        return
    from opentelemetry.trace import SpanKind

    with tracer.start_as_current_span(
        name, kind=SpanKind.PRODUCER, attributes=_dotted(attributes)
    ):
        yield traceparent()


@contextmanager
def receiving(tracer: Any, parent: Any, name: str, **attributes: str) -> Iterator[None]:
    """A span in which something that another process has published is delivered.

    :param parent: its ``traceparent``. Without one there is no span.
    """
    if tracer is None or parent is None:
        yield
        return
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import (
        TraceContextTextMapPropagator,
    )

    context = TraceContextTextMapPropagator().extract({"traceparent": parent})
    with tracer.start_as_current_span(
        name, context, kind=SpanKind.CONSUMER, attributes=_dotted(attributes)
    ):
        yield


def _dotted(attributes: Mapping[str, str]) -> dict[str, str]:
    named = {each.replace("_", "."): value for each, value in attributes.items()}
    return {"messaging.system": "socketio", **named}
