"""The pages of the documentation: their sections and their blocks of code.

Each block is a ``code-block`` with its language. With ``:class: fragment`` it cannot
run by itself: it is a part of a method, or only one of several possibilities. With
``:class: file`` it belongs into a file of a program that another test makes and runs.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent

#: The names of all pages.
PAGES = [
    "README.rst",
    *(f"docs/{each.name}" for each in sorted((ROOT / "docs").glob("*.rst"))),
]

_BLOCK = re.compile(
    r"^(?P<indent> *)\.\. code-block:: (?P<language>\w+)\n"
    r"(?P<options>(?:(?P=indent)   +:\w+:.*\n)*)\n"
    r"(?P<text>(?:(?P=indent)   +.*\n|\n)+)",
    re.MULTILINE,
)

_TITLE = re.compile(r"^(?P<title>\S.*)\n(?P<line>[=~-])(?P=line)+\n", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code.

    :ivar section: the title above it.
    :ivar line: the number of the first line of its text.
    :ivar fragment: whether it cannot run by itself.
    :ivar file: whether another test puts it into a file, and runs that.
    """

    page: str
    section: str
    line: int
    language: str
    fragment: bool
    file: bool
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def _sections(text: str) -> Iterator[tuple[int, str]]:
    for found in _TITLE.finditer(text):
        yield found.start(), found["title"]


def _blocks(page: str) -> Iterator[Block]:
    text = read(page)
    sections = list(_sections(text))
    for found in _BLOCK.finditer(text):
        above = [title for start, title in sections if start < found.start()]
        yield Block(
            page,
            above[-1] if above else "",
            text.count("\n", 0, found.start("text")) + 1,
            found["language"],
            ":class: fragment" in found["options"],
            ":class: file" in found["options"],
            textwrap.dedent(found["text"]).strip("\n") + "\n",
        )


def blocks(
    page: str, *, section: str | None = None, language: str | None = None
) -> list[Block]:
    """The blocks of a page, in order."""
    return [
        each
        for each in _blocks(page)
        if section in (None, each.section) and language in (None, each.language)
    ]


def block(
    page: str,
    content: str = "",
    *,
    section: str | None = None,
    language: str | None = None,
) -> str:
    """The text of the only block with a text in it."""
    found = blocks(page, section=section, language=language)
    [text] = [each.text for each in found if content in each.text]
    return text


def section(page: str, title: str) -> str:
    """The text of a section, up to the next one of its level."""
    text = read(page)
    level = {found["title"]: found for found in _TITLE.finditer(text)}[title]
    for found in _TITLE.finditer(text, level.end()):
        if "=-~".index(found["line"]) <= "=-~".index(level["line"]):
            return text[level.end() : found.start()]
    return text[level.end() :]
