"""The Autobahn test suite against two methods of a controller.

    python -m tests.autobahn.run
    python -m tests.autobahn.run "1.*" "7.*"

Its fuzzing client needs Python 2.7, as ``python2.7`` or from pyenv. The libraries of
the client are installed in ``.tox/autobahn-suite``. A run takes about ten minutes. The
result of each case must be OK, or informational.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.live.serving import ROOT, Server

HERE = Path(__file__).resolve().parent
HOME = ROOT / ".tox" / "autobahn-suite"
REPORTS = HOME / "reports"
REQUIREMENTS = HERE / "requirements.txt"

#: The last that makes environments of Python 2.7.
VIRTUALENV = "virtualenv==20.15.1"

#: By method: its groups of cases, and how many cases they have.
GROUPS = {
    "plain": (["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"], 301),
    "deflate": (["12.*", "13.*"], 216),
}

#: Cases that the suite does not judge: which side closes first, undefined codes.
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}


def python2() -> str:
    found = None
    if shutil.which("pyenv"):
        root = Path(subprocess.check_output(["pyenv", "root"], text=True).strip())
        found = next(map(str, sorted(root.glob("versions/2.7*/bin/python2.7"))), None)
    found = found or shutil.which("python2.7")
    if found is None:
        sys.exit("Autobahn's suite needs Python 2.7: `pyenv install 2.7.18` makes one")
    return found


def install_suite() -> Path:
    """The suite's command, in an environment made once."""
    stamp = HOME / "made-with.txt"
    wanted = f"{VIRTUALENV}\n{REQUIREMENTS.read_text()}"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(HOME, ignore_errors=True)
        tool = HOME / "virtualenv"
        python = python2()
        pip = [python, "-m", "pip", "install", "-q", "--target", str(tool)]
        subprocess.run([*pip, VIRTUALENV], check=True)
        subprocess.run(
            [python, "-m", "virtualenv", str(HOME / "python")],
            env={**os.environ, "PYTHONPATH": str(tool)},
            check=True,
        )
        pip = [str(HOME / "python" / "bin" / "pip"), "install", "-q", "-r"]
        subprocess.run([*pip, str(REQUIREMENTS)], check=True)
        stamp.write_text(wanted)
    return HOME / "python" / "bin" / "wstest"


def run_cases(
    command: Path, url: str, method: str, cases: list[str]
) -> dict[str, dict[str, Any]]:
    """Run cases against a method, and return the suite's result for each."""
    reports = REPORTS / method
    specification = HOME / f"{method}.json"
    specification.write_text(
        json.dumps(
            {
                "outdir": str(reports),
                "servers": [{"agent": method, "url": f"{url}/{method}"}],
                "cases": cases,
                "exclude-cases": [],
                "exclude-agent-cases": {},
            }
        )
    )
    shutil.rmtree(reports, ignore_errors=True)
    run = [str(command), "-m", "fuzzingclient", "-s", str(specification)]
    with (HOME / f"{method}.log").open("wb") as log:
        subprocess.run(run, check=True, cwd=HOME, stdout=log, stderr=log)
    report = json.loads((reports / "index.json").read_text())
    found: dict[str, dict[str, Any]] = report[method]
    return found


def judge(case: str, result: dict[str, Any]) -> bool:
    """Whether the server passed a case."""
    said = {result["behavior"], result["behaviorClose"]}
    return said == {"OK"} or (case in INFORMATIONAL and said == {"INFORMATIONAL"})


def main(only: list[str]) -> int:
    command = install_suite()
    failed = False
    output = HOME / "server.log"
    with Server(HERE / "echo.ini", output, importable=(HERE,)) as server:
        for method, (cases, count) in GROUPS.items():
            chosen = [each for each in cases if not only or each in only]
            if not chosen:
                continue
            url = server.url.replace("http", "ws")
            results = run_cases(command, url, method, chosen)
            print(method, dict(Counter(each["behavior"] for each in results.values())))
            for case, result in sorted(results.items()):
                if not judge(case, result):
                    failed = True
                    print("  case", case, result["behavior"], result["behaviorClose"])
            if not only and len(results) != count:
                failed = True
                print(f"  {len(results)} cases, not {count}")
        if "Traceback" in server.errors:
            failed = True
            print(server.errors)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
