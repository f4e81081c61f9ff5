"""Predicates that decide about a client: ``allow_only`` and ``@require``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tg import require
from tg.predicates import NotAuthorizedError


def unmet(predicate: Any, environ: Callable[[], dict[str, Any]]) -> str | None:
    """Why a predicate, or a ``require`` with one, is not met; None when it is."""
    if isinstance(predicate, require):  # A predicate such as Not has one inside too.
        predicate = predicate.predicate
    if predicate is None:
        return None
    try:
        predicate.check_authorization(environ())
    except NotAuthorizedError as error:
        return str(error)
    return None
