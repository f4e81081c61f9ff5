"""The server of ``development.ini``: ``use = egg:tgext.socketio#socketio``.

Importing this module patches the standard library for gevent. That has to happen before
TurboGears is imported; gearbox imports the server before it loads the application.
"""

from __future__ import annotations

import sys

from .patching import patch_all

patch_all()

import atexit
import errno
import logging
import os
import signal
import time
from collections.abc import Iterable, Mapping
from typing import Any

import gevent
from paste.deploy.converters import asbool

from .configuration import ConfigurationError, check_configuration
from .debugger import patch_console
from .drivers import applications, warn_of_blocking_drivers
from .engine.concurrency.threads import expect_server
from .engine.hub.checks import shown, unknown
from .engine.hub.options import Option
from .engine.hub.settings import OPTIONS
from .engine.io.listening import Port, place_of
from .engine.logs import get_logger, shows_info
from .engine.server.server import SocketIOServer
from .messaging.cluster import Elsewhere
from .messaging.handover import share_sessions
from .mounting import warn_of_mounts
from .request import context
from .request.cookies import CookieWatch
from .request.destination import NO_CHALLENGES, Destinations
from .serveroptions import APPLICATIONS, OURS, PLACE, WORKERS
from .shutdown import end_by
from .slowrequests import patch_backlash
from .workers import serving
from .workers.inherited import Inherited
from .workers.possible import check_workers

log = get_logger(__name__)

patch_backlash()
patch_console()

__all__ = ["DebugModeForbiddenException", "socketio_server_runner"]

# gearbox imports this module to serve. The application may emit before it does.
expect_server(__name__)


class StartError(SystemExit):
    """The server cannot start. gearbox shows the message, without a traceback."""


class DebugModeForbiddenException(StartError, Exception):
    """``debug = true`` is set, and ``allow_debug`` is not.

    TurboGears then keeps the contexts of requests that failed, and lets browsers run
    code in them. It is an ``Exception`` too, as in 0.0.3.
    """


class LatePatchError(StartError):
    """TurboGears was imported before the standard library was patched for gevent."""


class OptionError(StartError):
    """An option of ``[server:main]`` is invalid; the line names it."""


class AddressError(StartError):
    """The server cannot listen on its address."""


#: What PasteDeploy adds to every section.
_PASTE = frozenset(("use", "here", "__file__"))


def socketio_server_runner(
    wsgi_app: Any, global_config: Mapping[str, Any], **kw: Any
) -> None:
    """Serve an application until SIGINT or SIGTERM.

    :param wsgi_app: the application.
    :param global_config: the ``[DEFAULT]`` section.
    :param kw: the options of ``[server:main]``: ``host``, ``port``,
        ``socketio_resource`` and those of
        :class:`~tgext.socketio.engine.hub.settings.Settings`.
    :raises DebugModeForbiddenException: with ``debug = true``.
    :raises LatePatchError: when TurboGears was imported too early.
    :raises OptionError: when an option is invalid.
    :raises AddressError: when the server cannot listen on its address.
    """
    serve_application(wsgi_app, global_config, kw, None)


def serve_application(
    wsgi_app: Any,
    global_config: Mapping[str, Any],
    kw: Mapping[str, Any],
    inherited: Inherited | None,
) -> None:
    """Serve an application; see :func:`socketio_server_runner`.

    :param inherited: what this process has from its parent, if it is one of several
        workers.
    """
    try:
        _run(wsgi_app, global_config, kw, inherited)
    except StartError as error:
        if "gearbox" in sys.modules and not shows_info("gearbox"):
            log.error(str(error))  # gearbox would say it at INFO
        end_by(time.monotonic())
        # gearbox exits with status 0 then, and a supervisor would not restart it.
        atexit.register(_exit_unsuccessfully)
        raise


def _exit_unsuccessfully() -> None:
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _run(
    wsgi_app: Any,
    global_config: Mapping[str, Any],
    kw: Mapping[str, Any],
    inherited: Inherited | None,
) -> None:
    host, port, mode, owner, resources = (
        _read_ours(each, kw) for each in PLACE.values()
    )
    warns = _read_ours(APPLICATIONS["warn_of_blocking_drivers"], kw)
    options = read_options(kw)
    allows_debug = _read_ours(APPLICATIONS["allow_debug"], kw)
    workers = _read_ours(WORKERS, kw)
    if _read_debug(global_config) and not allows_debug:
        raise DebugModeForbiddenException(
            "The SocketIO server doesn't work with debug mode, in which everyone who "
            "can open a page that fails can run code: set debug = false in the "
            "[DEFAULT] section of the configuration file, or, for development, "
            "allow_debug = true in [server:main]."
        )
    check_patched()
    made = list(applications)
    check_applications(made)
    configs = [each.config for each in made]
    if warns:
        warn_of_blocking_drivers(configs)
    warn_of_mounts(configs, resources)
    try:
        check_workers(workers, inherited, configs)
        place = place_of(host, port, mode, owner)
        # 0.0.3 gave the server one text, and a tuple.
        resource = resources[0] if len(resources) == 1 else resources
        listener = (host, port) if isinstance(place, Port) else place
        if inherited is not None:
            options["environ"] = {"wsgi.multiprocess": True}
        server = SocketIOServer(listener, wsgi_app, resource=resource, **options)
    except ValueError as error:
        raise OptionError(f"[server:main] {error}") from None
    server.opening_environ = NO_CHALLENGES
    server.application = CookieWatch(Destinations(wsgi_app), Elsewhere())
    share_sessions(server, configs)
    scheme = "https" if options.get("certfile") else "http"
    url = place.url(scheme)
    where = ", ".join(resources)
    if inherited is None:
        print(f"Starting SocketIO HTTP server on {url}, resource {where}")
    elif inherited.listener is None:
        by = f"{inherited.workers} workers"
        print(f"Starting SocketIO HTTP server on {url}, resource {where}, {by}")
    try:
        if inherited is None:
            stopped = serve(server)
        else:
            stopped = serving.serve(server, inherited)
    except OSError as error:
        raise AddressError(f"Cannot serve on {url}: {_explain(error)}") from None
    option = OPTIONS["shutdown_timeout"]
    end_by(stopped + option.check(options.get(option.name)))


def read_options(kw: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the server that are set, each converted to its type.

    :raises OptionError: when an option is unknown, or its value is invalid.
    """
    for name in kw:
        if name not in OPTIONS and name not in OURS and name not in _PASTE:
            text = unknown(name, {*OPTIONS, *OURS})
            raise OptionError(f"[server:main] {text}")
    return {name: _read(each, kw) for name, each in OPTIONS.items() if name in kw}


def _read(option: Option, kw: Mapping[str, Any]) -> Any:
    """The value of an option, which the server checks; None when it is not set."""
    try:
        return option.read(kw.get(option.name))
    except ValueError as error:
        raise OptionError(f"[server:main] {error}") from None


def _read_debug(global_config: Mapping[str, Any]) -> bool:
    value = global_config.get("debug", False)
    try:
        return bool(asbool(value))
    except ValueError:
        text = f"[DEFAULT] debug: {shown(value)} is neither true nor false"
        raise OptionError(text) from None


def _read_ours(option: Option, kw: Mapping[str, Any]) -> Any:
    """The value of an option that the server does not have; by default its default."""
    value = _read(option, kw)
    try:
        return option.check(value)
    except ValueError as error:
        raise OptionError(f"[server:main] {error}") from None


def check_patched() -> None:
    """Check that each greenlet has TurboGears contexts of its own.

    :raises LatePatchError: when greenlets share a context, because TurboGears was
        imported before the patch.
    """
    if not context.imported_patched:
        raise LatePatchError(
            "TurboGears was imported before gevent patched the standard library, so "
            "requests would see each other's context. Import tgext.socketio.server "
            "before anything that imports tg: with gearbox, name "
            "egg:tgext.socketio#socketio in the [server:main] section, and do not "
            "import tg in modules that gearbox loads earlier."
        )


def check_applications(made: Iterable[Any]) -> None:
    """Check the configurations of applications.

    :raises OptionError: when an option of one is unknown or invalid.
    """
    for each in made:
        try:
            check_configuration(each.config)
        except ConfigurationError as error:
            raise OptionError(f"The application's configuration: {error}") from None


def serve(server: SocketIOServer) -> float:
    """Run a server until SIGINT or SIGTERM.

    :returns: the time of the signal, as of ``time.monotonic()``.
    :raises OSError: when the server cannot listen on its address.
    """
    signals: list[float] = []

    def stop() -> None:
        signals.append(time.monotonic())
        server.stop()

    stops = [
        gevent.signal_handler(number, stop)
        for number in (signal.SIGINT, signal.SIGTERM)
    ]
    try:
        server.serve_forever()
    finally:
        for each in stops:
            each.cancel()
    return min(signals, default=time.monotonic())


def _explain(error: OSError) -> str:
    return {
        errno.EADDRINUSE: "it is in use by another program",
        errno.EACCES: "this user is not allowed to use it",
        errno.EADDRNOTAVAIL: "this machine has no such address",
    }.get(error.errno or 0, error.strerror or str(error))
