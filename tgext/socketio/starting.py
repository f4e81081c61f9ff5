"""What PasteDeploy calls for ``use = egg:tgext.socketio#socketio``.

It does so before it loads the application: here the process becomes the parent of
workers, if there are several.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from .workers.cores import read_workers
from .workers.inherited import LOGGER, Inherited
from .workers.parent import Parent, set_up_logging

__all__ = ["socketio_server_factory"]

log = logging.getLogger(LOGGER)

#: The option of ``[server:main]``.
OPTION = "workers"


def socketio_server_factory(
    global_config: Mapping[str, Any], **kw: Any
) -> Callable[[Any], None]:
    """The server of a configuration, as a function that serves an application.

    With several workers it returns in each of them, and not in the parent.

    :param global_config: the ``[DEFAULT]`` section.
    :param kw: the options of ``[server:main]``; see
        :func:`tgext.socketio.server.socketio_server_runner`.
    :raises SystemExit: in the parent, at its end.
    """
    inherited = None
    workers = _workers(kw.get(OPTION))
    if workers > 1 and _is_reloaded(kw[OPTION]):
        kw[OPTION] = "1"
    elif workers > 1:
        inherited = _start(workers, global_config)

    # Imported in each worker, not in its parent: the first import patches the standard
    # library, and a reload loads the latest code.
    from .server import serve_application

    def serve(wsgi_app: Any) -> None:
        serve_application(wsgi_app, global_config, kw, inherited)

    return serve


def _workers(value: Any) -> int:
    try:
        return read_workers(value)
    except (TypeError, ValueError):
        return 1  # the server checks its options, and says what is wrong


def _is_reloaded(value: Any) -> bool:
    """Whether ``gearbox serve --reload`` restarts this process when a file changes."""
    hupper = sys.modules.get("hupper")
    if hupper is None or not hupper.is_active():
        return False
    log.warning(
        "gearbox serve --reload: one process serves, not workers = %s. Without "
        "--reload, SIGHUP reloads the workers one after the other",
        value,
    )
    return True


def _start(workers: int, global_config: Mapping[str, Any]) -> Inherited:
    if not hasattr(os, "fork"):
        raise SystemExit(
            f"[server:main] workers: {workers} processes cannot share a port on this "
            "system, which has no fork(); set workers = 1"
        )
    set_up_logging(global_config)
    ran = Parent(workers).run()
    if isinstance(ran, Inherited):
        return ran
    raise SystemExit(ran)
