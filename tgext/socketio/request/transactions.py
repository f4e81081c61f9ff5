"""Calling functions when the transaction of an event, of a page or of a job commits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from gevent import getcurrent
from tg.support.converters import asbool

from ..engine.concurrency.interruption import Interrupted, interrupt
from ..engine.logs import get_logger
from .context import current
from .event import Event, Job
from .failures import name_of

__all__ = ["on_commit"]

log = get_logger(__name__)


def on_commit(function: Callable[..., object], *args: Any) -> None:
    """Call a function when the current transaction has committed.

    When the transaction is rolled back, or doomed, the function is not called.

    - In an event or a page, the transaction is that of TurboGears' transaction manager.
      In an application without it, the function is called when the event has succeeded;
      in a page, at once.
    - In a job, a thread, or a process without TurboGears, it is the transaction that is
      open in the ``transaction`` package. When none is open, the function is called at
      once.
    """
    context = current()
    if _has_transaction(context):
        import transaction

        current_one = transaction.get()
        current_one.addAfterCommitHook(_if_committed, (function, args))
        if type(context) is Job:
            context.awaited = current_one
    elif type(context) is Event:
        context.when_it_succeeds(function, args)
    else:
        function(*args)


def end_transaction(job: Job, function: Callable[..., Any], endpoint: str) -> None:
    """Roll back the transaction that a job has left open, if there is one.

    A warning tells of it if a function waited for its commit.

    :param function: what the job ran.
    :param endpoint: the namespace that began it, for the log.
    """
    if not _is_open():
        return
    import transaction

    if job.awaited is not None and job.awaited is transaction.get():
        log.warning(
            "Job %s of namespace %s did not commit its transaction, so nothing is sent "
            "that waited for it; call transaction.commit(), or self.run_in_app",
            name_of(function),
            endpoint or "/",
        )
    transaction.abort()


def _has_transaction(context: Any) -> bool:
    if context is None or type(context) is Job:
        return _is_open()
    if type(context) is Event:
        return context.has_transaction
    return bool(asbool(context.config.get("tm.enabled")))


class _Witness:
    """Is told of a transaction that is open when it is registered."""

    told = False

    def newTransaction(self, transaction: Any) -> None:
        self.told = True


def _is_open() -> bool:
    """Whether a transaction has begun in this greenlet or thread.

    ``transaction.get()`` would begin one.
    """
    if "transaction" not in sys.modules:
        return False
    import transaction

    witness = _Witness()
    transaction.manager.registerSynch(witness)
    transaction.manager.unregisterSynch(witness)
    return witness.told


def _if_committed(
    success: bool, function: Callable[..., object], args: tuple[Any, ...]
) -> None:
    if not success:
        return
    try:
        function(*args)
    except Interrupted as error:
        # The transaction would log it, and the greenlet would go on.
        interrupt(getcurrent(), error)
