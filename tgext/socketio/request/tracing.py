"""Spans of OpenTelemetry, where the application has set up a tracer provider.

This package imports ``opentelemetry`` only after the application has. What travels
between processes is the ``traceparent`` of W3C Trace Context.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, lru_cache
from typing import Any, Final

from .._version import __version__
from ..engine.concurrency.failures import ERRORS
from ..engine.logs import MESSAGE, describe
from ..options import read_option
from ..wire.escape import escape

#: The option that turns spans off.
OPTION: Final = "socketio.tracing"

#: The context without a span; it can be entered any number of times.
NO_SPAN: Final = nullcontext()

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
    return _tracer(api, provider)


@lru_cache(maxsize=1)
def _tracer(api: Any, provider: Any) -> Any:
    return api.get_tracer("tgext.socketio", __version__, provider)


@cache
def _propagator() -> Any:
    from opentelemetry.trace.propagation.tracecontext import (
        TraceContextTextMapPropagator,
    )

    return TraceContextTextMapPropagator()


def traceparent() -> str | None:
    """That of the current span; None without one."""
    carrier: dict[str, str] = {}
    _propagator().inject(carrier)
    return carrier.get("traceparent")


def is_traceparent(value: object) -> bool:
    """Whether a value of another process is a ``traceparent``."""
    return isinstance(value, str) and _TRACEPARENT.fullmatch(value) is not None


def publishing(
    tracer: Any, name: str, **attributes: str
) -> AbstractContextManager[str | None]:
    """A span in which something is published; its value is the ``traceparent`` for
    those who receive it, or None without a tracer.

    :param attributes: by their names, with ``_`` for dots.
    """
    return NO_SPAN if tracer is None else _publishing(tracer, name, attributes)


def receiving(
    tracer: Any, parent: str | None, name: str, **attributes: str
) -> AbstractContextManager[None]:
    """A span in which something that another process has published is delivered.

    :param parent: its ``traceparent``. Without one there is no span.
    """
    if tracer is None or parent is None:
        return NO_SPAN
    return _receiving(tracer, parent, name, attributes)


@contextmanager
def span_of(tracer: Any, name: str, **options: Any) -> Iterator[Any]:
    """The current span of what runs in it. An exception is noted in it.

    OpenTelemetry is not asked to do that: see :func:`note_failure`.

    :param options: of ``start_as_current_span``.
    """
    with tracer.start_as_current_span(
        name, record_exception=False, set_status_on_exception=False, **options
    ) as span:
        try:
            yield span
        except ERRORS as error:
            note_failure(span, error)
            raise


def note_failure(span: Any, error: BaseException) -> None:
    """Note in a span that an exception ended it, as the log tells of one.

    The text of an exception may quote a client: megabytes of it, or lone surrogates,
    with which exporters drop this span and those that they send with it. And an
    exception's own ``__str__``, which ``record_exception`` calls, may raise another.
    """
    from opentelemetry.trace import StatusCode

    cls = type(error)
    module = "" if cls.__module__ == "builtins" else f"{cls.__module__}."
    about = {
        "exception.type": escape(f"{module}{cls.__qualname__}", MESSAGE),
        "exception.message": escape(error, MESSAGE),
        "exception.stacktrace": describe(error),
    }
    span.add_event("exception", about)
    span.set_status(StatusCode.ERROR)


@contextmanager
def _publishing(
    tracer: Any, name: str, attributes: Mapping[str, str]
) -> Iterator[str | None]:
    from opentelemetry.trace import SpanKind

    kind = SpanKind.PRODUCER
    with span_of(tracer, name, kind=kind, attributes=_dotted(attributes)):
        yield traceparent()


@contextmanager
def _receiving(
    tracer: Any, parent: str, name: str, attributes: Mapping[str, str]
) -> Iterator[None]:
    from opentelemetry.trace import SpanKind

    context, kind = _propagator().extract({"traceparent": parent}), SpanKind.CONSUMER
    about = _dotted(attributes)
    with span_of(tracer, name, context=context, kind=kind, attributes=about):
        yield


def _dotted(attributes: Mapping[str, str]) -> dict[str, str]:
    named = {each.replace("_", "."): value for each, value in attributes.items()}
    return {"messaging.system": "socketio", **named}
