"""The documentation names what exists: paths, modules, classes and functions."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from . import module_index, pages

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tgext" / "socketio"
PAGE = ROOT / "docs" / "how_it_is_built.rst"

#: The first parts of dotted names below ``tgext.socketio``.
FLOORS = ("wire", "engine", "request", "messaging", "backends", "controller")


def literals() -> list[str]:
    """The texts in double backquotes, each once."""
    text = PAGE.read_text(encoding="utf-8")
    return list(dict.fromkeys(re.findall(r"``([^`]+)``", text)))


def is_path(literal: str) -> bool:
    return bool(re.fullmatch(r"[\w.]*(/[\w.]+)+/?|\w+\.(py|c|rst|toml)|\w+/", literal))


def is_name(literal: str) -> bool:
    parts = literal.split(".")
    return len(parts) > 1 and parts[0] in FLOORS and parts[-1] != "py"


PATHS = [each for each in literals() if is_path(each)]
NAMES = [each for each in literals() if not is_path(each) and is_name(each)]


@pytest.mark.parametrize("path", PATHS)
def test_each_path_exists(path: str) -> None:
    inside = [PACKAGE / path, PACKAGE / f"{path}.py", ROOT / path]
    beside = [each / path for each in PACKAGE.rglob("*") if each.is_dir()]
    assert any(
        each.exists() for each in inside + ([] if "/" in path.rstrip("/") else beside)
    )


@pytest.fixture(scope="module")
def missing() -> list[str]:
    """The names that cannot be imported.

    They are imported in another process: TurboGears must not be imported in this one
    before gevent has patched the standard library.
    """
    command = [sys.executable, "-c", RESOLVE, *NAMES, *imported_names()]
    return subprocess.check_output(command, cwd=ROOT).decode().split()


def imported_names() -> list[str]:
    """The names of this package that the other pages tell applications to import."""
    text = "\n".join(pages.read(each) for each in pages.PAGES)
    names = set(re.findall(r"``tgext\.socketio\.([\w.]*\w)``", text))
    for module, imported in re.findall(
        r"from tgext\.socketio((?:\.\w+)*) import ([\w, ]+)", text
    ):
        path = [each for each in module.split(".") if each]
        names |= {".".join([*path, each.strip()]) for each in imported.split(",")}
    return sorted(names - LOGGERS)


#: Loggers that are no modules.
LOGGERS = {"access", "connections", "refusals", "slow"}


def test_what_the_other_pages_import_exists(missing: list[str]) -> None:
    names = imported_names()
    assert len(names) > 30
    assert [each for each in names if each in missing] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_name_can_be_imported(name: str, missing: list[str]) -> None:
    assert name not in missing


#: Prints those of its arguments that are neither modules nor in one.
RESOLVE = """
import sys
from pkgutil import resolve_name
for name in sys.argv[1:]:
    try:
        resolve_name(f"tgext.socketio.{name}")
    except (ImportError, AttributeError):
        print(name)
"""


def test_the_page_has_the_subject_of_each_module() -> None:
    """``python -m tests.module_index`` writes them."""
    [found] = module_index.INDEX.finditer(PAGE.read_text(encoding="utf-8"))
    assert found[0] == module_index.index()


def test_each_room_is_shown() -> None:
    rooms = {
        f"{each.parent.relative_to(PACKAGE)}/"
        for each in PACKAGE.glob("*/*/__init__.py")
    } | {f"{each.parent.name}/" for each in PACKAGE.glob("*/__init__.py")}
    rooms -= {"engine/"}  # a floor
    assert rooms <= set(literals())


def test_enough_is_checked() -> None:
    """The patterns above still find what the page names."""
    assert len(PATHS) > 60
    assert len(NAMES) > 30


def test_the_page_is_distributed() -> None:
    manifest = (ROOT / "MANIFEST.in").read_text(encoding="utf-8")
    assert "recursive-include docs *.rst *.py *.css *.png" in manifest


#: The folders of the repository that pages name.
FOLDERS = r"\b(?:tests|benchmarks|deploy|docs|examples)/[\w/.*-]*[\w*]"


@pytest.mark.parametrize("page", pages.PAGES)
def test_the_paths_of_a_page_exist(page: str) -> None:
    named = re.findall(FOLDERS, pages.read(page))
    assert [each for each in named if not any(ROOT.glob(each))] == []
    assert len(named) > 15 or page != "README.rst"


@pytest.mark.parametrize("page", pages.PAGES)
def test_blocks_have_a_language(page: str) -> None:
    """``.. code-block:: python``, not ``::``; tests run or read them."""
    assert re.findall(r"^(?!\.\. ).*::\n\n +.*", pages.read(page), re.MULTILINE) == []


@pytest.mark.parametrize("page", [each for each in pages.PAGES if "docs/" in each])
def test_pages_link_to_pages_and_not_to_files(page: str) -> None:
    """With ``:doc:`` and ``:ref:``, which Sphinx checks."""
    assert re.findall(r"(?:_: |<)\S+\.rst\b", pages.read(page)) == []


@pytest.mark.parametrize("page", pages.PAGES)
def test_the_first_cells_of_simple_tables_have_one_line(page: str) -> None:
    """A second line would be another row; ``list-table`` has cells of several lines."""
    single, border = [], ""
    for line in pages.read(page).splitlines():
        if re.fullmatch(r"=+( +=+)+", line):
            border = line if border != line else border
            second = len(line) - len(line.lstrip("=").lstrip())
        elif border and line and line[0] != " " and not line[second:].strip():
            single.append(line)
        elif not line:
            border = ""
    assert single == []


def test_the_readme_is_the_front_door() -> None:
    assert len(pages.read("README.rst").splitlines()) < 150
