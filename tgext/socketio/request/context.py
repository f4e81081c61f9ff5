"""TurboGears' contexts of the running greenlet.

``tg.request`` and the other proxies show the top of a stack in ``tg.request_local``;
each greenlet has its own. ``_object_stack`` of a proxy returns a copy of the stack,
which would take a good part of the time of a small event. The functions here return
the list itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from gevent.local import local
from tg import request_local

from ..engine.concurrency.pool import HARMLESS

#: An entry of a stack: the object, and whether a debugger preserves it.
Entry = tuple[Any, bool]

#: Where TurboGears keeps the stacks of a proxy.
_STORE: Final = "____local__"

#: Whether TurboGears was imported after gevent had patched the standard library. If it
#: was not, other libraries may have imported a ``threading.local`` of the thread, too.
imported_patched: Final = isinstance(vars(request_local.context)[_STORE], local)


def _store(proxy: Any) -> Any:
    """Where a proxy keeps its stacks: one for each greenlet, patched or not."""
    found = vars(proxy)[_STORE]
    if isinstance(found, local):
        return found
    own = vars(proxy)[_STORE] = local()
    if hasattr(found, "objects"):
        own.objects = found.objects
    return own


_CONTEXTS: Final = _store(request_local.context)
_CONFIGS: Final = _store(request_local.config)
_EVERYWHERE: Final[list[Any]] = vars(request_local.config)["_process_configs"]


def _stack(store: Any) -> list[Entry]:
    try:
        stack: list[Entry] = store.objects
    except AttributeError:
        stack = store.objects = []
    return stack


#: The contexts of the pages and events that run in this greenlet, the innermost last.
contexts: Final[Callable[[], list[Entry]]] = partial(_stack, _CONTEXTS)

#: The configurations of these pages and events; ``tg.config`` shows the last one.
configs: Final[Callable[[], list[Entry]]] = partial(_stack, _CONFIGS)


# They are empty between events.
HARMLESS.extend((contexts, configs))


def is_everywhere(config: Any) -> bool:
    """Whether ``tg.config`` shows this configuration when the stack is empty."""
    return bool(_EVERYWHERE) and _EVERYWHERE[-1] is config


def current() -> Any:
    """The context of the page or event of this greenlet; None when it runs neither."""
    stack = contexts()
    return stack[-1][0] if stack else None
