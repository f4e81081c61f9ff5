"""Predicates that decide about a client: ``allow_only`` and ``@require``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tg import require
from tg.predicates import NotAuthorizedError
from webob.exc import HTTPException

#: Returns the WSGI environment of the current event. Making it costs more than many
#: predicates, so it is called only when there is a predicate to ask.
Environ = Callable[[], dict[str, Any]]


def requirements_of(controllers: Iterable[object]) -> tuple[Any, ...]:
    """The ``allow_only`` of controllers.

    :param controllers: those that a request has come through, the outermost first.
    :returns: for :func:`first_unmet`; empty when the controllers let everyone in.
    """
    found = (getattr(controller, "allow_only", None) for controller in controllers)
    return tuple(predicate for predicate in found if predicate is not None)


def first_unmet(requirements: Iterable[Any], environ: Environ) -> str | None:
    """The message of the first predicate that is not met; None when all are met."""
    for predicate in requirements:
        reason = unmet(predicate, environ)
        if reason is not None:
            return reason
    return None


def unmet(predicate: Any, environ: Environ) -> str | None:
    """Why a predicate is not met.

    :param predicate: the predicate, a ``require`` with one, or None.
    :returns: the message of the predicate; None when it is met, or there is none.
    """
    # Predicates such as `Not` have an attribute `predicate` too: check the type.
    if isinstance(predicate, require):
        predicate = predicate.predicate
    if predicate is None:
        return None
    try:
        predicate.check_authorization(environ())
    except NotAuthorizedError as error:
        return str(error)
    return None


def all_met(requirements: Sequence[require], environ: Environ) -> bool:
    """Whether a client meets all requirements of a handler."""
    return not requirements or next(_unmet(requirements, environ), None) is None


def denial(
    requirements: Sequence[require], environ: Environ, reasons: bool
) -> str | None:
    """The message for a client that does not meet all requirements.

    :param reasons: whether the message of a predicate is used by default. Otherwise
        only a requirement with ``smart_denial``, or with its own denial handler, has a
        message.
    :returns: the message of the first unmet requirement that has one; None when none
        has.
    """
    for requirement, reason in _unmet(requirements, environ):
        told = _told_by(requirement, reason)
        if told is None and reasons:
            told = reason or None
        if told is not None:
            return told
    return None


def _unmet(
    requirements: Sequence[require], environ: Environ
) -> Iterator[tuple[require, str]]:
    """The requirements that are not met, each with the reason.

    A requirement without a predicate is never met, because a page with it would fail.
    """
    for requirement in requirements:
        reason = unmet(requirement.predicate, environ)
        if reason is not None or requirement.predicate is None:
            yield requirement, reason or ""


def _told_by(requirement: require, reason: str) -> str | None:
    """The message of a requirement with ``smart_denial``, or of its denial handler."""
    own_handler = requirement.denial_handler != requirement.default_denial_handler
    if not own_handler:
        return reason if requirement.smart_denial else None
    try:
        requirement.denial_handler(reason)
    except HTTPException as answer:
        return str(answer.detail or answer.explanation)
    return None
