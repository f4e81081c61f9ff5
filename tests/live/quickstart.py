"""A project of ``gearbox quickstart``, and what docs/start.rst edits in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

from tests.pages import block

from .serving import gearbox

#: Seconds for one command; none should need a tenth of it.
DEADLINE = 60

ROOT_CONTROLLER = "class RootController(BaseController):\n"

#: The methods of a root controller begin here.
FIRST_METHOD = r"^(?=    @expose\(\)\n    def index)"


class Project:
    """A project, and its database: with SQLAlchemy and a login, unless told otherwise.

    :param name: of the project; that of its package too, unless *package* is given.
    :param command: of gearbox.
    :param options: of that command.
    :param setup: whether to make its database.
    """

    def __init__(
        self,
        parent: Path,
        name: str = "newcomer",
        *,
        command: str = "quickstart",
        options: tuple[str, ...] = ("-s", "-a"),
        package: str | None = None,
        setup: bool = True,
    ) -> None:
        self.package = package or name
        self.home = parent / name
        self.ini = self.home / "development.ini"
        self.controllers = self.home / self.package / "controllers"
        if package:
            options = (*options, "-p", package)
        run([gearbox(), command, *options, name], cwd=parent)
        # The metadata that `pip install -e` would write. An installation would outlive
        # the test.
        write = "import setuptools; setuptools.setup()"
        run([sys.executable, "-c", write, "--quiet", "egg_info"], cwd=self.home)
        if setup:
            run([gearbox(), "setup-app"], cwd=self.home)

    def apply_edits(self, port: int, debug: bool = False) -> None:
        """The edits of *In your application*, on another port.

        :param debug: whether the debug mode, which gearbox sets, is allowed instead of
            ended.
        """
        self.port = port
        options, server = edit_of("[server:main]").split("\n\n")
        assert options == "[DEFAULT]\ndebug = false"
        server = replace("^port = 8080$", f"port = {port}", server)
        if debug:
            assert re.search("^debug = true$", self.ini.read_text(), re.MULTILINE)
            server += "\nallow_debug = true"
        else:
            edit(self.ini, "^debug = true$", "debug = false")
        edit(self.ini, r"^\[server:main\]\n(.+\n)+", server + "\n")

        classes, attribute = edit_of(ROOT_CONTROLLER).split(ROOT_CONTROLLER)
        root = self.controllers / "root.py"
        edit(root, f"^{re.escape(ROOT_CONTROLLER)}", classes + ROOT_CONTROLLER)
        edit(root, FIRST_METHOD, f"{attribute}\n\n")

    def mount(self, name: str, source: str) -> None:
        """Add a module to the controllers of a project with these edits.

        :param name: of the module. Its class of this name, capitalized, is mounted in
            the page's controller; the one with ``Controller`` behind it beside that.
        """
        (self.controllers / f"{name}.py").write_text(source)
        root, cls = self.controllers / "root.py", name.capitalize()
        imported = f"from .{name} import {cls}, {cls}Controller"
        edit(root, "^from tgext", rf"{imported}\n\g<0>")
        edit(root, "^    pingpong = .+$", rf"\g<0>\n    {name} = {cls}")
        edit(root, "^    socketio = .+$", rf"\g<0>\n    {name} = {cls}Controller()")

    def failing_tests(self) -> set[str]:
        """The names of the project's own tests that fail.

        They also fail as a whole when they run too little of its code; that is
        *coverage* here.
        """
        command = [sys.executable, "-m", "pytest", "-q", "-rfE"]
        ran = run(command, cwd=self.home, deadline=300, succeeds=False)
        failing = set(re.findall("^(?:FAILED|ERROR) (\\S+::\\S+)", ran.stdout, re.M))
        if ran.returncode and "FAIL Required test coverage" in ran.stdout:
            failing.add("coverage")
        assert failing or ran.returncode == 0, ran.stdout
        return failing


class Browser:
    """A browser's pages and cookies of a server.

    :param timeout: seconds that a page may take.
    """

    def __init__(self, url: str, timeout: float = 20) -> None:
        self._url = url
        self._timeout = timeout
        self._jar = CookieJar()
        keep = urllib.request.HTTPCookieProcessor(self._jar)
        self._open = urllib.request.build_opener(keep).open

    @property
    def cookies(self) -> str:
        return "; ".join(f"{each.name}={each.value}" for each in self._jar)

    def visit(self, path: str, **form: str) -> str:
        """The page at a path; a form is posted to it."""
        data = urlencode(form).encode() if form else None
        with self._open(self._url + path, data, timeout=self._timeout) as answer:
            text: str = answer.read().decode()
        return text


def edit_of(content: str) -> str:
    """The edit of *In your application* with this in it."""
    return block("docs/start.rst", content).strip()


def edit(path: Path, old: str, new: str) -> None:
    """Replace the only match of a pattern in a file."""
    path.write_text(replace(old, new, path.read_text(encoding="utf-8")))


def replace(old: str, new: str, text: str) -> str:
    text, count = re.subn(old, new, text, flags=re.MULTILINE)
    assert count == 1, f"{old!r} is there {count} times"
    return text


def run(
    command: list[str], cwd: Path, deadline: float = DEADLINE, succeeds: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, which is a success unless that is not asked for."""
    environment = {**os.environ, "PYTHONPATH": str(cwd)}
    ran = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=deadline,
    )
    assert ran.returncode == 0 or not succeeds, f"{command}:\n{ran.stdout}"
    return ran
