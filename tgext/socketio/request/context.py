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

from tg import request_local

#: An entry of a stack: the object, and whether a debugger preserves it.
Entry = tuple[Any, bool]

_CONTEXTS: Final = vars(request_local.context)["____local__"]
_CONFIGS: Final = vars(request_local.config)["____local__"]
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


def is_everywhere(config: Any) -> bool:
    """Whether ``tg.config`` shows this configuration when the stack is empty."""
    return bool(_EVERYWHERE) and _EVERYWHERE[-1] is config


def current() -> Any:
    """The context of the page or event of this greenlet; None when it runs neither."""
    stack = contexts()
    return stack[-1][0] if stack else None
