"""Whether an application can be served by several workers.

Its clients connect to any of them. Broadcasts and channels reach the clients of all
workers over a broker; without one, each client would see some of the messages. Pages
alone need no broker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..engine.hub.checks import shown
from ..engine.hub.options import Kind, Option
from ..engine.logs import get_logger
from ..messaging.cluster import is_clustered
from ..request.mounts import mounted
from .cores import MOST, read_workers
from .inherited import Inherited

__all__ = ["WORKERS", "check_workers", "warn_if_alone"]

log = get_logger(__name__)

_SET = (
    "set socketio.cluster = true and anypubsub.backend = redis in [app:main], or "
    "workers = 1 in [server:main]"
)


def _check(name: str, value: Any) -> int:
    try:
        return read_workers(value)
    except (TypeError, ValueError):
        text = f"{shown(value)} is not a number from 1 to {MOST}, or auto"
        raise ValueError(f"{name}: {text}") from None


#: The option of ``[server:main]``.
WORKERS = Option(
    "workers",
    1,
    Kind(str, "a number", _check),
    "",
    "processes that serve the port; ``auto``: one for each core",
)


def check_workers(
    workers: int, inherited: Inherited | None, configs: Iterable[Mapping[str, Any]]
) -> None:
    """Check that several workers can serve.

    :param workers: how many are asked for.
    :param inherited: what this process has from its parent, if it is a worker.
    :param configs: the configurations of the applications.
    :raises ValueError: when they cannot; the message says what to set.
    """
    if inherited is None:
        if workers > 1:
            raise ValueError(
                f"workers: {workers} processes have to be started before the "
                "application is loaded, by gearbox serve or another program that calls "
                "paste.deploy.loadserver() before loadapp()"
            )
        return
    for config in configs:
        if not is_clustered(config) and any(mounted(config)):
            raise ValueError(
                f"workers: {inherited.workers} processes would not hear each other's "
                f"broadcasts: {_SET}"
            )


def warn_if_alone(environ: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Warn when a controller that a ``_lookup`` has made is served without a broker.

    :func:`check_workers` does not find such a controller.

    :param environ: of a request to it.
    :param config: the configuration of its application.
    """
    if environ.get("wsgi.multiprocess") and not is_clustered(config):
        log.warning("Workers do not hear each other's broadcasts: %s", _SET)
