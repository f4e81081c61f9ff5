"""The backend that the options of an application choose.

``anypubsub.backend`` is ``memory`` (the default: this process alone), ``redis``,
``amqp`` or ``mongodb``. The other options with the prefix are given to the backend.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from inspect import signature
from typing import Any, Final

try:
    from anypubsub import ConfigurationError, create_pubsub_from_settings
    from anypubsub.interfaces import PubSub
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"{error.msg}: channels need anypubsub. pip install tgext.socketio[pubsub], or "
        "tgext.socketio[redis] for Redis.",
        name=error.name,
    ) from None

from ..engine.hub.checks import nearest, shown
from .errors import BackendOptionError
from .options import PREFIX, check_name

__all__ = [
    "backend_of",
    "check_backend",
    "create_backend",
    "is_local",
    "shared_backend",
]

#: Our own backends: the module of this package, and what to install for its library.
OURS: Final = {"redis": "tgext.socketio[redis]", "amqp": "anypubsub[amqp]"}

#: All that come with anypubsub.
BACKENDS: Final = ("memory", "redis", "amqp", "mongodb")
BACKENDS_SAID: Final = f"{', '.join(BACKENDS[:-1])} or {BACKENDS[-1]}"

#: Held while a backend is created, which may take long.
_making = threading.Lock()

#: The backends of processes without an application, by their options.
shared_backends: dict[frozenset[tuple[str, Any]], PubSub] = {}


def _options(settings: Mapping[str, Any]) -> dict[str, Any]:
    options = {
        name: settings[name]
        for name in settings
        if isinstance(name, str) and name.startswith(PREFIX)
    }
    options.setdefault(f"{PREFIX}backend", "memory")
    return options


def create_backend(settings: Mapping[str, Any]) -> PubSub:
    """The backend that ``anypubsub.`` options describe.

    :raises BackendOptionError: when one of them is invalid; the message names it.
    :raises BrokerUnavailable: when the broker cannot be reached. Only backends that
        connect when they are created raise it here.
    """
    options = _options(settings)
    name, given = _split(options)
    if name in OURS:
        return _ours(name)(given)
    _check_theirs(name, given)
    try:
        backend: PubSub = create_pubsub_from_settings(options, prefix=PREFIX)
    except ConfigurationError:
        raise _no_such(name) from None
    except TypeError as error:
        # The error names the argument, which is the option.
        raise BackendOptionError(f"{PREFIX}*", f"backend {name}: {error}") from None
    except Exception as error:
        # The text of the error may quote a URL, and the password in it.
        problem = f"backend {name} cannot be made: {type(error).__name__}"
        raise BackendOptionError(f"{PREFIX}*", problem) from None
    return backend


def check_backend(settings: Mapping[str, Any]) -> None:
    """Check ``anypubsub.`` options, without a connection to the broker.

    :raises BackendOptionError: when one of them is invalid; the message names it.
    """
    name, given = _split(_options(settings))
    if name in OURS:
        # It connects when it is used.
        create_backend(settings).close()
    else:
        _check_theirs(name, given)


def _split(options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name of the backend, and its options without the prefix."""
    given = {key[len(PREFIX) :]: value for key, value in options.items()}
    return given.pop("backend"), given


def _check_theirs(name: str, given: Mapping[str, Any]) -> None:
    """Check that a backend of anypubsub can be imported and has the options."""
    module = f"anypubsub.backends.{name}"
    try:
        factory = import_module(module).backend
    except ImportError as error:
        if error.name != module:
            problem = f"{name} needs a library: {error}"
            raise BackendOptionError(f"{PREFIX}backend", problem) from None
        if not entry_points(group="anypubsub.backends", name=name):
            raise _no_such(name) from None
        return
    for each in given:
        check_name(name, signature(factory).parameters, each)


def _no_such(name: str) -> BackendOptionError:
    near = nearest(str(name), BACKENDS)
    problem = f"there is no backend {shown(name)}{near}; try {BACKENDS_SAID}"
    return BackendOptionError(f"{PREFIX}backend", problem)


def _ours(name: str) -> Callable[[dict[str, Any]], PubSub]:
    try:
        module = import_module(f".{name}", __package__)
    except ModuleNotFoundError as error:
        problem = f"{name} needs a library ({error}): pip install {OURS[name]}"
        raise BackendOptionError(f"{PREFIX}backend", problem) from None
    factory: Callable[[dict[str, Any]], PubSub] = module.from_options
    return factory


def is_local(settings: Mapping[str, Any]) -> bool:
    """Whether the backend reaches no other process."""
    return bool(_options(settings)[f"{PREFIX}backend"] == "memory")


def backend_of(settings: Mapping[str, Any]) -> PubSub:
    """The backend of an application: its ``app_globals.anypubsub``, created if missing.

    :param settings: the application's configuration, as ``tg.config``.
    :raises BackendError: see :func:`create_backend`; the next call tries again.
    """
    app_globals: Any = settings["tg.app_globals"]
    backend: PubSub | None = getattr(app_globals, "anypubsub", None)
    if backend is None:
        with _making:
            backend = getattr(app_globals, "anypubsub", None)
            if backend is None:
                backend = app_globals.anypubsub = create_backend(settings)
    return backend


def shared_backend(settings: Mapping[str, Any]) -> PubSub:
    """The backend of a process without an application, created once for its options.

    :raises BackendError: see :func:`create_backend`; the next call tries again.
    """
    key = frozenset(_options(settings).items())
    with _making:
        if key not in shared_backends:
            shared_backends[key] = create_backend(settings)
        return shared_backends[key]
