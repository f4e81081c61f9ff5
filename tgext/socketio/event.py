"""An event as a TurboGears request.

The request that opened a connection has ended when its events come. Each event runs
with a ``tg.request``, ``tg.response`` and ``tg.tmpl_context`` of its own, made when
they are first looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, TypeVar

from tg import request_local
from tg.request_local import Request, Response
from tg.validation import _ValidationStatus
from tg.wsgiapp import AttribSafeTemplateContext, TemplateContext

Result = TypeVar("Result")

#: What belongs to the opening request alone.
_OPENING_ONLY = frozenset(
    (
        "paste.registry",
        "paste.testing",
        "paste.testing_variables",
        "tg.locals",
        "webob.adhoc_attrs",
        "wsgi.input",
    )
)

#: What was set on the opening request and describes the connection.
_INHERITED = ("identity",)


class Connection:
    """What all events of one connection share: a copy of the opening request's context.

    Called with a function, it runs it inside the context of a new event.

    :param environ: the WSGI environment of the opening request.
    :param tgl: the TurboGears context of the opening request.
    """

    def __init__(self, environ: dict[str, Any], tgl: Any) -> None:
        self.environ = {
            name: value for name, value in environ.items() if name not in _OPENING_ONLY
        }
        attributes = environ.get("webob.adhoc_attrs", {})
        self.attributes = {
            name: attributes[name] for name in _INHERITED if name in attributes
        }
        self.config = tgl.config
        self.app_globals = tgl.app_globals
        self.translator = tgl.translator
        self.session = tgl.session
        self.cache = tgl.cache
        self.language = getattr(tgl.request, "_language", None)

    def __call__(self, function: Callable[..., Result], *args: Any) -> Result:
        config, context = request_local.config, request_local.context
        event = Event(self)
        config._push_object(self.config)
        context._push_object(event)
        try:
            return function(*args)
        finally:
            context._pop_object(event)
            config._pop_object(self.config)


class Event:
    """The TurboGears context of one event: what ``tg.request`` and the others show."""

    __slots__ = ("__dict__", "_connection")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        maker = _MAKERS.get(name)
        if maker is None:
            value = getattr(self._connection, name)
        else:
            value = maker(self, self._connection)
        setattr(self, name, value)
        return value


def _make_request(event: Event, connection: Connection) -> Request:
    environ = dict(connection.environ)
    environ["wsgi.input"] = BytesIO()
    environ["tg.locals"] = event
    if connection.attributes:
        environ["webob.adhoc_attrs"] = dict(connection.attributes)
    request = Request(environ)
    for name, value in (
        ("_language", connection.language),
        ("_response_type", None),
        ("_decode_json_params", False),
        ("validation", _ValidationStatus()),
    ):
        request._fast_setattr(name, value)
    return request


def _make_response(event: Event, connection: Connection) -> Response:
    options = connection.config.get(
        "tg.response_options", Response._DEFAULT_RESPONSE_OPTIONS
    )
    return Response(
        content_type=options["content_type"],
        charset=options["charset"],
        headers=options["headers"],
    )


def _make_tmpl_context(event: Event, connection: Connection) -> TemplateContext:
    if connection.config["tg.strict_tmpl_context"]:
        return TemplateContext()
    return AttribSafeTemplateContext()


_MAKERS: dict[str, Callable[[Event, Connection], Any]] = {
    "request": _make_request,
    "response": _make_response,
    "tmpl_context": _make_tmpl_context,
}
