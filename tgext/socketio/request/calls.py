"""Handlers, called as TurboGears calls the methods of pages.

Hooks, validators, error handlers and controller wrappers work as they do for pages.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from crank.util import flatten_arguments, get_argspec, get_params_with_argspec
from tg import hooks, request_local, require
from tg.configurator.components.dispatch import _call_controller
from tg.controllers.decoratedcontroller import DecoratedController
from tg.decorators import Decoration
from tg.validation import _ValidationStatus

from ..engine.namespaces.base import BaseNamespace, ConnectionRefused
from ..engine.namespaces.handlers import Handler
from ..engine.namespaces.methods import decides, deciding, refuse

#: The attribute of an event's request that has its namespace and the method.
HANDLER: Final = "_tgsio_handler"

#: The caller of a decoration that no controller wrapper was added to.
_DEFAULT_CALLER = Decoration(None).controller_caller


class _Own:
    """Shows crank the arguments that a function itself has.

    Of a decorator, crank would read those of the function that it wraps.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__signature__ = inspect.signature(function, follow_wrapped=False)

    def __call__(self) -> None:
        """Not called; crank reads the signatures of callables."""


class TGHandler(Handler):
    """What is known of a handler before any event: its signature and decorations.

    :ivar requirements: those of ``@require``.
    :ivar validations: those of ``@validate``.
    :ivar named: the callable that validators and hooks get the names of arguments from.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        super().__init__(method)
        decoration = getattr(self.function, "decoration", None)
        self.decoration: Decoration | None = decoration
        self.requirements: Sequence[require] = getattr(decoration, "requirements", ())
        self.validations: Sequence[Any] = getattr(decoration, "validations", ())
        self.named: Callable[..., Any] = self.function
        if self.names and inspect.isfunction(self.function):
            # Without names of its own, a decorator passes *args on: the names are those
            # of the function that it wraps.
            self.named = _Own(self.function)

    def is_plain(self, config: Mapping[str, Any]) -> bool:
        """Whether the method can be called directly, without :func:`call_as_page`.

        It can when it has neither validators, nor hooks, nor controller wrappers.

        :param config: the application's configuration.
        """
        if self.validations or config.get("controller_caller") is not _call_controller:
            return False
        everywhere = hooks._hooks
        if everywhere.get("before_validate") or everywhere.get("before_call"):
            return False
        decoration = self.decoration
        return decoration is None or (
            # Requirements are hooks too; they were checked before.
            len(decoration.hooks["before_call"]) == len(self.requirements)
            and not decoration.hooks["before_validate"]
            and decoration.controller_caller is _DEFAULT_CALLER
        )


class _Invalid(Exception):
    """The validators refused the arguments.

    :param told: the information of the error that the client gets.
    """

    def __init__(self, told: Any) -> None:
        super().__init__(told)
        self.told = told


def call_as_page(
    namespace: BaseNamespace,
    handler: TGHandler,
    method: Callable[..., Any],
    args: Sequence[Any],
) -> Any:
    """Call a method of a namespace as TurboGears calls one of a controller.

    :param args: the arguments of the event, as many as the method takes.
    :returns: the ack. When the validators refuse the arguments, the client is told the
        error ``invalid_method_args``.
    :raises ConnectionRefused: when an error handler ran in the place of
        ``recv_connect``.
    """
    context = request_local.context._current_obj()
    request = context.request
    request._fast_setattr("validation", _ValidationStatus())
    request._fast_setattr(HANDLER, (namespace, method))
    decoration = Decoration.get_decoration(handler.function)
    remainder = tuple(args[len(handler.names) :])
    params = get_params_with_argspec(handler.named, {}, args)
    request._fast_setattr("args_params", params)
    _notify("before_validate", decoration, remainder, params)
    try:
        action, values = _validate(method, params, context)
    except _Invalid as invalid:
        packet: Any = getattr(context, "packet", None) or {}
        if packet.get("type") == "connect" and not decides(namespace, method):
            packet = {}  # recv_connect calls it as an event does
        return refuse(namespace, packet, "invalid_method_args", invalid.told)
    named: dict[str, Any] = {}
    if action is not method:
        # An error handler is called; ``values`` are those of its own validators.
        decoration = Decoration.get_decoration(action)
        remainder = tuple(args if values is None else _in_order(action, values, args))
        action = partial(action, namespace)
    elif remainder or (handler.varargs and not handler.names):
        # Some arguments have no names: *args takes them.
        remainder = tuple(_in_order(handler.named, values, args))
    else:
        named = _wanted(handler.named, values)
    _notify("before_call", decoration, remainder, named)
    # As in 0.0.3, exception_handler_decorator does not decorate error handlers.
    function = action
    if action is method:
        function = namespace._tgsio_decorated(deciding(namespace, method))
    answer = decoration.controller_caller(context.config, function, remainder, named)
    if isinstance(action, partial) and decides(namespace, method):
        # The error handler may have told the client why.
        raise ConnectionRefused
    return answer


def _notify(
    name: str, decoration: Decoration, remainder: Sequence[Any], params: dict[str, Any]
) -> None:
    """Run the hooks that the application and the handler have under a name."""
    for hook in (*hooks._hooks.get(name, ()), *decoration.hooks[name]):
        # Requirements are hooks too; they were checked before the arguments.
        if not isinstance(getattr(hook, "__self__", None), require):
            hook(remainder, params)


def _validate(
    method: Callable[..., Any], params: dict[str, Any], context: Any
) -> tuple[Any, Any]:
    """Validate arguments.

    :returns: the function to call, which is the method or an error handler, and the
        values to call it with; None means the arguments of the event.
    :raises _Invalid: when they are invalid, and there is no error handler.
    """
    status = context.request.validation
    failures = tuple(context.config.get("validation.exceptions", ()))
    action: Any = method
    while True:
        try:
            values = DecoratedController._perform_validate(action, params, context)
        except failures as failure:
            by_field = _explain(status, failure, context.config)
            if status.error_handler is None:
                raise _Invalid(_for_client(status, failure, by_field)) from None
            action = status.error_handler
            Decoration.get_decoration(action)  # gives it one if it has none
            if not status.chain_validation:
                return action, None
        else:
            if action is method:
                status.values = values
            return action, values


def _in_order(
    function: Callable[..., Any], values: Mapping[str, Any], args: Sequence[Any]
) -> Sequence[Any]:
    """The arguments of a call, validated where they have names."""
    positional, _ = flatten_arguments(function, dict(values), tuple(args))
    return tuple(positional)


def _wanted(method: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a method takes. A schema may have added others."""
    names, _, keywords, _ = get_argspec(method)
    if keywords:
        return dict(values)
    return {name: value for name, value in values.items() if name in names}


def _explain(
    status: _ValidationStatus, failure: Exception, config: Mapping[str, Any]
) -> bool:
    """Put a failure into ``request.validation``.

    :returns: whether it could be explained field by field, with the application's
        ``validation.explode``.
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
        # A message may be lazy: ``str`` translates it. tw2 lists all fields of a form,
        # with None for those that are valid.
        told = status.errors.items()
        return {str(field): str(text) for field, text in told if text is not None}
    return str(failure)
