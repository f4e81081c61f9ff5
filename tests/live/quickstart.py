"""A project of ``gearbox quickstart``, and what README.rst edits in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

from .serving import ROOT, gearbox

#: Seconds for one command; none should need a tenth of it.
DEADLINE = 60

ROOT_CONTROLLER = "class RootController(BaseController):\n"


class Project:
    """A project with SQLAlchemy and a login, and its database."""

    def __init__(self, parent: Path, name: str = "newcomer") -> None:
        self.name = name
        self.home = parent / name
        self.ini = self.home / "development.ini"
        self.controllers = self.home / name / "controllers"
        run([gearbox(), "quickstart", "-s", "-a", name], cwd=parent)
        # The metadata that `pip install -e` would write. An installation would outlive
        # the test.
        setup = "import setuptools; setuptools.setup()"
        run([sys.executable, "-c", setup, "--quiet", "egg_info"], cwd=self.home)
        run([gearbox(), "setup-app"], cwd=self.home)

    def apply_readme(self, port: int) -> None:
        """The three edits of *Quick start*, on another port."""
        options, server = readme_block("[server:main]").split("\n\n")
        assert options == "[DEFAULT]\ndebug = false"
        edit(self.ini, "^debug = true$", "debug = false")
        server = replace("^port = 8080$", f"port = {port}", server)
        edit(self.ini, r"^\[server:main\]\n(.+\n)+", server + "\n")

        classes, attribute = readme_block(ROOT_CONTROLLER).split(ROOT_CONTROLLER)
        root = self.controllers / "root.py"
        edit(root, f"^{re.escape(ROOT_CONTROLLER)}", classes + ROOT_CONTROLLER)
        edit(root, "^    error = .+$", rf"\g<0>\n{attribute}")


def readme_block(content: str) -> str:
    """The literal block of README.rst's quick start with this in it."""
    readme = (ROOT / "README.rst").read_text(encoding="utf-8")
    text = readme[readme.index("Quick start\n---") : readme.index("Namespaces\n---")]
    blocks = re.findall(r"::\n\n((?:    .*\n|\n)+)", text)
    [block] = [each for each in map(textwrap.dedent, blocks) if content in each]
    return block.strip()


def edit(path: Path, old: str, new: str) -> None:
    """Replace the only match of a pattern in a file."""
    path.write_text(replace(old, new, path.read_text(encoding="utf-8")))


def replace(old: str, new: str, text: str) -> str:
    text, count = re.subn(old, new, text, flags=re.MULTILINE)
    assert count == 1, f"{old!r} is there {count} times"
    return text


def run(command: list[str], cwd: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(cwd)}
    ran = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=DEADLINE,
    )
    assert ran.returncode == 0, f"{command}:\n{ran.stdout}"
