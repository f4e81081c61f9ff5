"""Coverage-guided fuzzing of one target: ``python -m tests.fuzz.guided TARGET …``.

Further arguments are libFuzzer's. The process ends after the given time, or when a
target raises.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(
    include=["tgext.socketio.wire", "tgext.socketio.engine.http"]
):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, TARGETS[name].run)
    atheris.Fuzz()


main()
