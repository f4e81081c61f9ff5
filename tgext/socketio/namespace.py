"""Namespaces with TurboGears' ``@require`` and ``@validate``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from crank.util import flatten_arguments, get_argspec, get_params_with_argspec
from tg import request_local
from tg.controllers.decoratedcontroller import DecoratedController
from tg.decorators import Decoration
from tg.predicates import NotAuthorizedError
from tg.validation import _ValidationStatus

from .engine.handlers import Handler
from .engine.namespace import BaseNamespace, ConnectionRefused

__all__ = [
    "ConnectionRefused",
    "SocketIOTGNamespace",
    "UnsupportedTGVersionException",
]


class UnsupportedTGVersionException(Exception):
    """TurboGears is too old. Never raised: the installation asks for 2.5."""


class TGHandler(Handler):
    """What can be known of a handler without an event, its decorations included."""

    def __init__(self, method: Callable[..., Any]) -> None:
        super().__init__(method)
        decoration = getattr(self.function, "decoration", None)
        self.requirements: Sequence[Any] = getattr(decoration, "requirements", ())
        self.validations: Sequence[Any] = getattr(decoration, "validations", ())


class SocketIOTGNamespace(BaseNamespace):
    """A namespace whose methods take ``@require`` and ``@validate``.

    A predicate in the class attribute ``allow_only`` decides who may connect.
    """

    #: A predicate, or a ``require`` with one: who may connect to the namespace.
    allow_only: Any = None

    _handler_class = TGHandler

    def authorize_connect(self) -> None:
        predicate = getattr(self.allow_only, "predicate", self.allow_only)
        if predicate is None:
            return
        try:
            predicate.check_authorization(self._event_environ())
        except NotAuthorizedError as error:
            raise ConnectionRefused(str(error)) from None

    def is_method_allowed(self, method_name: str) -> bool:
        method = getattr(self, method_name, None)
        if method is not None:
            handler = cast(TGHandler, self._handler(method_name, method))
            if handler.requirements and not self._meets(handler.requirements):
                return False
        return super().is_method_allowed(method_name)

    def _meets(self, requirements: Sequence[Any]) -> bool:
        environ = self._event_environ()
        return all(_is_met(each.predicate, environ) for each in requirements)

    def _call(
        self, handler: Handler, method: Callable[..., Any], args: tuple[Any, ...]
    ) -> Any:
        # What is missing was told before: validators would have seen None for it.
        if cast(TGHandler, handler).validations:
            return self._call_validated(handler, method, args)
        return super()._call(handler, method, args)

    def _call_validated(
        self, handler: Handler, method: Callable[..., Any], args: Sequence[Any]
    ) -> Any:
        context = request_local.context._current_obj()
        context.request._fast_setattr("validation", _ValidationStatus())
        status = context.request.validation
        failures = tuple(context.config.get("validation.exceptions", ()))
        params = get_params_with_argspec(method, {}, args)
        action: Any = method
        while True:
            try:
                values = DecoratedController._perform_validate(action, params, context)
            except failures as failure:
                by_field = _explain(status, failure, context.config)
                if status.error_handler is None:
                    told = _for_client(status, failure, by_field)
                    self.error("invalid_method_args", told)
                    return None
                action = status.error_handler
                Decoration.get_decoration(action)  # which it need not have had
                if not status.chain_validation:
                    return self._decorated(partial(action, self))(*args)
            else:
                break
        if action is not method:
            # The error handler has validators of its own, and they were satisfied.
            return self._decorated(partial(action, self))(
                *_in_order(action, values, args)
            )
        status.values = values
        if len(args) > len(handler.names):
            # What *args takes has no names.
            return self._decorated(method)(*_in_order(method, values, args))
        return self._decorated(method)(**_wanted(method, values))

    def _event_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = request_local.request.environ
        return environ


def _is_met(predicate: Any, environ: dict[str, Any]) -> bool:
    if predicate is None:
        return False
    try:
        predicate.check_authorization(environ)
    except NotAuthorizedError:
        return False
    return True


def _in_order(
    function: Callable[..., Any], values: Mapping[str, Any], args: Sequence[Any]
) -> Sequence[Any]:
    """The arguments of a call, validated where they have names."""
    positional, _ = flatten_arguments(function, dict(values), tuple(args))
    return tuple(positional)


def _wanted(method: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a method takes; a schema may have added others."""
    names, _, keywords, _ = get_argspec(method)
    if keywords:
        return dict(values)
    return {name: value for name, value in values.items() if name in names}


def _explain(
    status: _ValidationStatus, failure: Exception, config: Mapping[str, Any]
) -> bool:
    """Note the failure for ``request.validation``.

    :returns: whether the application knows how to explain it by fields
        (``validation.explode``).
    """
    status.exception = failure
    explain = None
    for kind, each in config.get("validation.explode", {}).items():
        if isinstance(failure, kind):
            explain = each
    if explain is None:
        return False
    explained = explain(failure)
    status.errors = explained["errors"]
    status.values = explained["values"]
    return bool(status.errors) and isinstance(status.errors, Mapping)


def _for_client(status: _ValidationStatus, failure: Exception, by_field: bool) -> Any:
    if by_field:
        # A message may be lazy, and is translated here.
        return {str(field): str(text) for field, text in status.errors.items()}
    return str(failure)
