"""PyPI's socketIO-client 0.5.7, which speaks 0.9, over every transport.

Over polling, it finds the packets of an answer by another way than browsers: it splits
at U+FFFD, also inside packets, and counts characters instead of UTF-16 units.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.engine import clients

from .serving import Server

SCRIPT = Path(__file__).resolve().parent / "clients" / "python_client_0_9.py"

#: Seconds for the program, if it waits for everything in vain.
DEADLINE = 120

TEXTS = [
    "plain",
    "h\xe9llo \u2603",
    "\ufffd3\ufffd2:: inside",
    "above the others \U0001f600",
    "a\u2028line",
    'quoted " \\ \\n',
]

try:
    version("socketIO-client")
except PackageNotFoundError:
    pytest.skip("socketIO-client is not installed", allow_module_level=True)


@pytest.mark.parametrize("transport", ["websocket", "xhr-polling", "jsonp-polling"])
def test_all_answers_arrive_and_the_server_sees_it_leave(
    lab: Server, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = subprocess.run(
        [sys.executable, SCRIPT, str(lab.port), transport, *TEXTS],
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "heard": TEXTS,
        "acks": [[3], [f"old {transport}"]],
        "errors": [],
    }
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")
    witness = clients.WebSocket5(lab.port)
    try:
        witness.join("/lab")
        assert witness.call("/lab", "has_left", f"old {transport}") == [True]
    finally:
        witness.close()
