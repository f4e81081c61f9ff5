"""Where an application has its controllers of Socket.IO connections."""

from __future__ import annotations

from typing import Any

import pytest
from tg import TGController

from tgext.socketio import SocketIOController
from tgext.socketio.request.mounts import mounted


class SocketIO(SocketIOController):
    pass


class Special(SocketIO):
    pass


class Section(TGController):
    live = SocketIO()


class Root(TGController):
    section = Section()
    special = Special()
    _hidden = SocketIO()

    @property
    def made(self) -> Any:
        raise RuntimeError("a request is needed")

    def __init__(self) -> None:
        super().__init__()
        self.later = SocketIO()
        self.itself = self


@pytest.mark.parametrize("root", [Root(), Root])
def test_the_controllers_have_the_paths_of_their_attributes(root: Any) -> None:
    found = dict(mounted({"tg.root_controller": root}))
    paths = {"special": Special, "section/live": SocketIO}
    if root is not Root:
        paths["later"] = SocketIO
    assert {path: type(each) for path, each in found.items()} == paths


@pytest.mark.parametrize(
    "config",
    [
        {"tg.root_controller": None, "paths": {"root": "/a", "controllers": None}},
        {
            "paths": {"root": "/a", "controllers": "/a/controllers"},
            "package_name": "tests.turbogears.nowhere",
        },
        {},
    ],
)
def test_an_application_whose_root_is_unknown_has_none(config: dict[str, Any]) -> None:
    assert list(mounted(config)) == []


def test_the_root_of_a_quickstarted_project_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is a class in a module that TurboGears finds by its name."""
    from tg.wsgiapp import TGApp

    def lookup(config: Any, name: str) -> Any:
        assert name == "root"
        return Root

    monkeypatch.setattr(TGApp, "lookup_controller", lookup)
    assert [path for path, _ in mounted({})] == ["special", "section/live"]
