"""Checks the configuration of an application, before its first client does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .backends.errors import BackendError
from .engine.hub.checks import unknown
from .messaging.cluster import channel_of, check_shared, is_clustered, secret_of
from .options import APPLICATION_OPTIONS, SECTION, read_option
from .request.middleware import read_event_middleware

__all__ = ["ConfigurationError", "check_configuration"]

#: What the names of a broker's options begin with.
BROKER = "anypubsub."


class ConfigurationError(ValueError):
    """An option of an application is unknown or invalid; the line names it."""


def check_configuration(config: Mapping[str, Any]) -> None:
    """Check the options of an application. Nothing is asked of its broker.

    :param config: its configuration, as ``tg.config``: what the ini file has under
        ``[app:main]`` and ``[DEFAULT]``, and what ``app_cfg.py`` sets.
    :raises ConfigurationError: when an option is unknown or invalid, or a backend
        cannot be imported.
    """
    try:
        _check_names(config)
        for name in APPLICATION_OPTIONS:
            read_option(config, name)
        read_event_middleware(config)
        _check_broker(config)
    except (ValueError, BackendError, ModuleNotFoundError) as error:
        problem = " ".join(str(error).split())
        raise ConfigurationError(problem) from None


def _check_names(config: Mapping[str, Any]) -> None:
    for name in _beginning_with(SECTION, config):
        if name not in APPLICATION_OPTIONS:
            raise ConfigurationError(unknown(name, APPLICATION_OPTIONS, SECTION))


def _check_broker(config: Mapping[str, Any]) -> None:
    """Check the backend, if one is used."""
    clustered = is_clustered(config)
    if clustered:
        channel_of(config)
        secret_of(config)
    given = getattr(config.get("tg.app_globals"), "anypubsub", None)
    if given is not None:
        # The application has made it.
        if clustered:
            check_shared(given)
    elif clustered or any(_beginning_with(BROKER, config)):
        # Imported here, because applications without channels need no anypubsub.
        from .backends.choice import check_backend, create_backend, is_local

        check_backend(config)
        if clustered and is_local(config):
            check_shared(create_backend(config))


def _beginning_with(prefix: str, config: Mapping[str, Any]) -> Iterable[str]:
    return (
        each for each in config if isinstance(each, str) and each.startswith(prefix)
    )
