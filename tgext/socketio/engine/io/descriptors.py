"""Connections that another process goes on with."""

from __future__ import annotations

import os
from typing import Any, cast

from gevent import get_hub
from gevent.monkey import get_original


def forget(sock: Any) -> None:
    """Take a connection out of the event loop, before this process closes it.

    Linux reports what happens on a connection for as long as any process has it open,
    also to an ``epoll`` that had it when its own process closed it. The event loop then
    cannot tell what is reported, and registers all its connections anew.

    :param sock: a gevent socket that another process has, too. Nobody waits for it, now
        or later: it would be in vain.
    """
    loop = get_hub().loop
    if loop.backend != "epoll":
        return
    epoll = get_original("select", "epoll").fromfd(os.dup(cast("int", loop.fileno())))
    try:
        epoll.unregister(sock.fileno())
    except OSError:
        pass  # nobody ever waited for it
    finally:
        epoll.close()
