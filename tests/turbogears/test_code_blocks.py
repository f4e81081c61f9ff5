"""The blocks of code of the documentation: they are run, or read as what they are.

Python runs, page by page, unless it is a fragment, or a file of a program that another
test runs. Options exist, and their values are valid. Scripts are read by Node.js, shell
lines by bash. Other tests try what the examples do.
"""

from __future__ import annotations

import ast
import json
import logging
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from html.parser import HTMLParser
from types import ModuleType
from typing import Any

import pytest

from tests.pages import PAGES, Block, blocks
from tgext.socketio.engine.hub import options as kinds
from tgext.socketio.engine.hub.options import Option
from tgext.socketio.engine.hub.settings import OPTIONS
from tgext.socketio.options import APPLICATION_OPTIONS
from tgext.socketio.serveroptions import OURS

from .given import given

ALL = [each for page in PAGES for each in blocks(page)]


def of(*languages: str) -> list[Block]:
    return [each for each in ALL if each.language in languages]


# Python


@pytest.fixture
def _log() -> Iterator[None]:
    """Examples set levels."""
    yield
    logging.getLogger("tgext.socketio").setLevel(logging.NOTSET)


@pytest.mark.usefixtures("_log")
@pytest.mark.parametrize("page", [each for each in PAGES if blocks(each)])
def test_python_runs(page: str) -> None:
    module = ModuleType(page)
    vars(module).update(given(page))
    for each in blocks(page, language="python"):
        # Tracebacks have the line of the page.
        source = "\n" * (each.line - 1) + each.text
        if each.fragment or each.file:
            ast.parse(source, page)
        else:
            exec(compile(source, page, "exec", dont_inherit=True), vars(module))


# Configuration files

#: Reads the value of ``use``.
USE = Option("use", None, kinds.PLACE, "", "")

KNOWN = {**OURS, **OPTIONS, "use": USE}


def options(each: Block) -> Iterator[tuple[str, str, str]]:
    """The options of a block, with their sections; without one, ``[app:main]``."""
    parser = ConfigParser(interpolation=None)
    begins = each.text.startswith("[")
    parser.read_string(each.text if begins else f"[app:main]\n{each.text}")
    for section in parser.sections():
        defaults = parser.defaults()
        for option, value in parser[section].items():
            if option not in defaults:
                yield section, option, value


@pytest.mark.parametrize("block", of("ini"), ids=str)
def test_options_exist_and_their_values_are_valid(block: Block) -> None:
    for section, option, value in options(block):
        assert " #" not in value  # it would be a part of the value
        if section == "server:main" and not block.fragment:
            KNOWN[option].read(value)
        if section == "app:main" and option.startswith("socketio."):
            assert option in APPLICATION_OPTIONS


# What browsers read

#: Functions that a script may call, and a name of each block for errors.
READ = """
const {Script} = require('vm');
for (const [name, text] of JSON.parse(require('fs').readFileSync(0)))
  try { new Script(`(async () => {${text}\\n})`, {filename: name}); }
  catch (error) { console.log(error.stack.split('\\n').slice(0, 3).join('\\n')); }
"""


class Page(HTMLParser):
    """Collects the scripts of a page, and sees that its tags are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("br", "img", "input", "link", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            self.scripts.append(data)


def scripts() -> Iterator[tuple[str, str]]:
    for each in of("javascript"):
        yield str(each), each.text
    for each in of("html"):
        page = Page(each.text)
        assert page.open == []
        yield from ((str(each), script) for script in page.scripts)


def test_scripts_can_be_read() -> None:
    node = shutil.which("node") or pytest.skip("node is not installed")
    found = list(scripts())
    assert len(found) > 10
    command = [node, "-e", READ]
    output = subprocess.check_output(command, input=json.dumps(found).encode())
    assert output.decode() == ""


# What is typed


def commands(each: Block) -> str:
    """The commands of a shell; in a console each has a ``$`` in front."""
    if each.language == "bash":
        return each.text
    return "\n".join(re.findall(r"^\$ (.+)", each.text, re.MULTILINE))


@pytest.mark.parametrize("block", of("bash", "console"), ids=str)
def test_commands_can_be_read(block: Block) -> None:
    assert commands(block)
    subprocess.run(["bash", "-n", "-c", commands(block)], check=True)


# What others read


def balanced(text: str) -> None:
    assert text.count("{") == text.count("}")


def indented(text: str) -> None:
    """YAML: lines are keys or entries, and are indented by spaces."""
    for line in text.splitlines():
        assert re.match(r" *(- )?[\w.-]+:( |$)|$", line), line


CHECKS: dict[str, Callable[[str], None]] = {"nginx": balanced, "yaml": indented}


@pytest.mark.parametrize("block", of(*CHECKS), ids=str)
def test_what_other_programs_read(block: Block) -> None:
    CHECKS[block.language](block.text)


#: Answers of programs, and lines of logs.
OUTPUT = "text"


def test_every_block_is_checked() -> None:
    checked = {"python", "ini", "javascript", "html", "bash", "console", *CHECKS}
    assert {each.language for each in ALL} == checked | {OUTPUT}
    assert len(ALL) > 120
    assert len([each for each in ALL if each.fragment]) < len(ALL) / 8
