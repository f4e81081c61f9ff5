"""The backend that the options of an application choose.

``anypubsub.backend`` is ``memory`` (the default: this process alone), ``redis``,
``amqp`` or ``mongodb``. The other options with the prefix are given to the backend.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from importlib import import_module
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

from .errors import BackendOptionError

__all__ = [
    "backend_of",
    "create_backend",
    "is_local",
    "shared_backend",
]

PREFIX: Final = "anypubsub."

#: Our own backends: the module of this package, and what to install for its library.
OURS: Final = {"redis": "tgext.socketio[redis]", "amqp": "anypubsub[amqp]"}

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
    name = options[f"{PREFIX}backend"]
    if name in OURS:
        factory = _ours(name)
        del options[f"{PREFIX}backend"]
        return factory({key[len(PREFIX) :]: options[key] for key in options})
    try:
        backend: PubSub = create_pubsub_from_settings(options, prefix=PREFIX)
    except ConfigurationError:
        problem = f"there is no backend {name!r}; try memory, redis, amqp or mongodb"
        raise BackendOptionError(f"{PREFIX}backend", problem) from None
    except TypeError as error:
        # The error names the argument, which is the option.
        raise BackendOptionError(f"{PREFIX}*", f"backend {name}: {error}") from None
    except Exception as error:
        # The text of the error may quote a URL, and the password in it.
        problem = f"backend {name} cannot be made: {type(error).__name__}"
        raise BackendOptionError(f"{PREFIX}*", problem) from None
    return backend


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
