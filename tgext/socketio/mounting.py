"""Where controllers are mounted, compared with what the server serves, at the start."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .engine.logs import get_logger
from .request.mounts import mounted, mounted_classes

__all__ = ["warn_of_mounts"]

log = get_logger(__name__)


def warn_of_mounts(
    configs: Iterable[Mapping[str, Any]], resources: Sequence[str]
) -> None:
    """Log a warning for each controller that no client reaches.

    Controllers that ``_lookup`` methods make for a request are not known.

    :param configs: the configurations of the applications.
    :param resources: the paths of ``socketio_resource``.
    """
    served = [_as_attributes(each) for each in resources]
    for config in configs:
        controllers = list(mounted(config))
        for path, cls in mounted_classes(config):
            name = path.rpartition("/")[2]
            has_instance = any(type(each) is cls for _, each in controllers)
            if has_instance and name == cls.__name__:
                continue  # it is defined here, and mounted by another name
            log.warning(
                "/%s is the class %s: its clients are answered 500. Mount an instance, "
                "%s = %s(), with parentheses",
                path,
                cls.__qualname__,
                name,
                cls.__name__,
            )
        for path, controller in controllers:
            if not _is_served(_as_attributes(path), served):
                log.warning(
                    "The %s at /%s is not in socketio_resource, which is %s: clients "
                    "cannot connect to it. Set socketio_resource = %s in [server:main]",
                    type(controller).__qualname__,
                    path,
                    ", ".join(resources),
                    path,
                )


def _as_attributes(path: str) -> str:
    """A path with the names of attributes: TurboGears finds ``a_b`` for ``a.b``."""
    return re.sub(r"[^\w/]", "_", path.strip("/"))


def _is_served(path: str, served: Iterable[str]) -> bool:
    # The application may be mounted below a prefix.
    return any(f"/{each}".endswith(f"/{path}") for each in served)
