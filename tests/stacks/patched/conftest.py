"""Tests in this process, where gevent has patched the standard library."""

import tgext.socketio.server  # noqa: F401  before anything that imports tg
