"""The patch of the standard library."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: What `gearbox serve --reload` does before it imports the server.
THREAD = """
import threading
stopped = threading.Lock()
stopped.acquire()
thread = threading.Thread(target=stopped.acquire)
thread.start()
"""

SERVE = """
from tgext.socketio import server
from gevent.monkey import is_module_patched

server.check_patched()
print(is_module_patched("threading"))
"""

END = """
stopped.release()
thread.join()
"""


@pytest.mark.parametrize(
    "script", [SERVE, THREAD + SERVE + END], ids=["one thread", "several"]
)
def test_patches_while_it_is_imported(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
    assert "Traceback" not in done.stderr
