"""TurboGears' contexts, as the running greenlet has them.

``tg.request`` and its fellows look at the top of a stack in ``tg.request_local``, which
each greenlet has for itself. The proxies there copy that stack to show it, which would
be a good part of what a small event costs; here it is the list itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from tg import request_local

#: What a stack holds: an object, and whether a debugger wants it to stay.
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


#: The contexts of the pages and events that run here, the innermost last.
contexts: Final[Callable[[], list[Entry]]] = partial(_stack, _CONTEXTS)

#: Their configurations, which ``tg.config`` shows.
configs: Final[Callable[[], list[Entry]]] = partial(_stack, _CONFIGS)


def is_everywhere(config: Any) -> bool:
    """Whether ``tg.config`` shows this configuration where no stack has another."""
    return bool(_EVERYWHERE) and _EVERYWHERE[-1] is config


def current() -> Any:
    """The context of the page or event that runs here; None outside of them."""
    stack = contexts()
    return stack[-1][0] if stack else None
