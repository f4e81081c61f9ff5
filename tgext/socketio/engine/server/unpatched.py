"""Servers in processes whose standard library is not patched for gevent."""

from __future__ import annotations

from gevent.monkey import is_module_patched

from ..logs import get_logger

log = get_logger(__name__)


def warn_if_unpatched() -> None:
    """Log a warning that explains what would hang: a server is about to listen."""
    if not is_module_patched("socket"):
        log.warning(
            "This process is not patched for gevent: a client of the same process that "
            "blocks, as in a test, waits for the server for ever, and a handler that "
            "blocks stops all others. Call gevent.monkey.patch_all() before all other "
            "imports. Tests with SocketIOTest (tgext.socketio.testing) need no patch"
        )
