"""A server of each form of project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.conftest import node_clients
from tests.live.quickstart import Project, edit
from tests.live.serving import Server
from tests.ports import free_port

from .forms import FORMS, Form

__all__ = ["node_clients"]

#: An event that tells who sent it, in a module beside the project's package: what the
#: project's own tests do not cover makes them fail. ``request.identity`` is there only
#: where users log in.
WHO = """
from tg import request

from tgext.socketio import SocketIOTGNamespace


class Who(SocketIOTGNamespace):
    def on_who(self):
        identity = getattr(request, "identity", None)
        return identity and identity["user"].user_name
"""

#: Ming's database in memory is that of one process, so the server has to fill it by
#: itself. The project's own tests, whose database is named so, do it for each test.
FILL = """
    from newcomer import websetup

    if {**global_conf, **app_conf}["ming.db"] != "test":
        websetup.bootstrap(None, None, {})

    return app
"""


@pytest.fixture(scope="module", params=FORMS, ids=str)
def form(request: pytest.FixtureRequest) -> Form:
    form: Form = request.param
    return form


def quickstart(form: Form, parent: Path) -> Project:
    """A project as gearbox makes it, but for the place of its Mongo database."""
    project = Project(
        parent,
        form.name,
        command=form.command,
        options=form.options,
        package="newcomer",
        setup=not form.has_ming,
    )
    if form.has_ming:
        edit(project.ini, "^ming.url = .+$", "ming.url = mim:///")
    return project


@pytest.fixture(scope="module")
def project(form: Form, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, with the edits of docs/start.rst, on a free port."""
    project = quickstart(form, tmp_path_factory.mktemp("quickstart"))
    project.apply_edits(free_port())
    return project


@pytest.fixture(scope="module")
def server(form: Form, project: Project) -> Iterator[Server]:
    """The project, served, with a namespace ``/who`` beside that of the page."""
    (project.home / "who.py").write_text(WHO)
    root = project.controllers / "root.py"
    edit(root, "^from tgext", r"from who import Who\n\g<0>")
    edit(root, "^    pingpong = .+$", r"\g<0>\n    who = Who")
    if form.has_ming and form.has_login:
        factory = project.controllers.parent / "config/application.py"
        edit(factory, "^    return app\n", FILL)
    where = {"cwd": project.home, "importable": (project.home,)}
    output = project.home.parent / "server.log"
    with Server(project.ini, output, port=project.port, **where) as server:
        yield server
