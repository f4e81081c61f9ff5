"""Fuzz every decoder for a bounded time: ``python -m tests.fuzz [SECONDS [TARGET…]]``.

Two thirds of the time are for atheris, which is guided by coverage and begins with the
golden vectors. In the rest, hypothesis tries new examples with the property tests, and,
with Node.js, those that compare with the reference parsers; the name ``properties``
means these alone. Prints how much was tried. If an input fails, prints it as Python
bytes and exits with 1.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .targets import TARGETS

#: Seconds in all, where none are given.
SECONDS = 300.0
#: Larger vectors slow the fuzzer down more than they teach it.
LARGEST_SEED = 4096
#: Seconds and megabytes that one input may take.
TIMEOUT, MEMORY = 10, 2048
#: Where the properties and the state machines are.
PROPERTIES = [
    "tests/wire",
    "tests/engine",
    "tests/turbogears",
    "tests/live/test_reference_parsers.py",
]
#: Examples of each property in one round.
EXAMPLES = 1000


def fuzz(name: str, seconds: float) -> bool:
    """Fuzz one target, and return whether no input failed."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for number, seed in enumerate(TARGETS[name].seeds):
            if len(seed) <= LARGEST_SEED:
                Path(corpus, str(number)).write_bytes(seed)
        command = [sys.executable, "-m", "tests.fuzz.guided", name, str(corpus)]
        options = {
            "max_total_time": max(1, round(seconds)),
            "timeout": TIMEOUT,
            "rss_limit_mb": MEMORY,
            "max_len": LARGEST_SEED,
            "artifact_prefix": f"{folder}/",
            "print_final_stats": 1,
        }
        command += [f"-{option}={value}" for option, value in options.items()]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        rate = re.search(r"average_exec_per_sec: +(\d+)", done.stderr)
        counts = [each[1] if each else "?" for each in (runs, rate)]
        print(f"{name:20} {counts[0]:>9} inputs, {counts[1]:>7} a second", flush=True)
        if done.returncode:
            print(done.stderr[-4000:])
            for found in Path(folder).glob("*-*"):
                print(f"{found.name}: {found.read_bytes()!r}")
        return not done.returncode


def random_properties(seconds: float) -> bool:
    """Repeat the property tests of the ordinary tests with new examples."""
    end = time.monotonic() + seconds
    rounds = 0
    environ = {**os.environ, "TGEXT_SOCKETIO_EXAMPLES": str(EXAMPLES)}
    command = [sys.executable, "-m", "pytest", "-q", "-m", "hypothesis", *PROPERTIES]
    while not rounds or time.monotonic() < end:
        rounds += 1
        done = subprocess.run(command, env=environ, capture_output=True, text=True)
        if done.returncode:
            print(done.stdout[-8000:], done.stderr[-2000:])
            return False
    print(f"{done.stdout.splitlines()[-1]}, {EXAMPLES} examples each, {rounds} rounds")
    return True


def main() -> int:
    arguments = sys.argv[1:]
    seconds = float(arguments[0]) if arguments else SECONDS
    if arguments[1:] == ["properties"]:
        return 0 if random_properties(seconds) else 1
    names = arguments[1:] or list(TARGETS)
    each = seconds * 2 / 3 / len(names)
    good = [fuzz(name, each) for name in names]
    if not arguments[1:]:
        good.append(random_properties(seconds / 3))
    return 0 if all(good) else 1


sys.exit(main())
