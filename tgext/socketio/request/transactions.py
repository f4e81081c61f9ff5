"""Calling functions when the transaction of an event, or of a page, has committed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tg.support.converters import asbool

from .context import current
from .event import Event

__all__ = ["on_commit"]


def on_commit(function: Callable[..., object], *args: Any) -> None:
    """Call a function when the current transaction has committed.

    When the transaction is rolled back, or doomed, the function is not called. In an
    application without TurboGears' transaction manager it is called when the event has
    succeeded; outside of events and pages it is called at once.
    """
    context = current()
    if _has_transaction(context):
        import transaction

        transaction.get().addAfterCommitHook(_if_committed, (function, args))
    elif type(context) is Event:
        context.when_it_succeeds(function, args)
    else:
        function(*args)


def _has_transaction(context: Any) -> bool:
    if type(context) is Event:
        return context.has_transaction
    return context is not None and bool(asbool(context.config.get("tm.enabled")))


def _if_committed(
    success: bool, function: Callable[..., object], args: tuple[Any, ...]
) -> None:
    if success:
        function(*args)
