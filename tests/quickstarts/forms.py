"""The forms of projects that gearbox makes, and how they are covered.

What decides the code of a project is the command, the database, whether it has a login,
and whether it is minimal; :data:`FORMS` has all combinations. Without a database there
is no login: gearbox ignores ``--auth`` then. The other options change no code that
the page edits: ``--package`` changes names, and ``--disable-migrations`` removes a
folder. Each command is tried once with both, and with a name as people write it.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

COMMANDS = ("quickstart", "quickstart-api")

#: The options for a database and a login: those for which gearbox makes other code.
DATABASES = {
    "sqlalchemy": ("-s", "-a"),
    "sqlalchemy-noauth": ("-s", "-n"),
    "ming": ("-i", "-a"),
    "ming-noauth": ("-i", "-n"),
    "nodatabase": ("-x",),
}

#: The options that are tried; a test compares them with those of the installed gearbox.
OPTIONS = {
    *("--auth", "--noauth"),
    *("--sqlalchemy", "--ming", "--nosa"),
    "--minimal",
    "--package",
    "--disable-migrations",
}


class Form(NamedTuple):
    """One form of a project."""

    command: str
    database: str
    minimal: bool = False
    #: Whether the project has another name than its package, and no migrations.
    renamed: bool = False

    def __str__(self) -> str:
        more = [name for name in ("minimal", "renamed") if getattr(self, name)]
        return " ".join([self.command, self.database, *more])

    @property
    def options(self) -> tuple[str, ...]:
        minimal = ("--minimal",) if self.minimal else ()
        migrations = ("--disable-migrations",) if self.renamed else ()
        return (*DATABASES[self.database], *minimal, *migrations)

    @property
    def name(self) -> str:
        return "New-Comer" if self.renamed else "newcomer"

    @property
    def has_login(self) -> bool:
        return "-a" in DATABASES[self.database]

    @property
    def has_ming(self) -> bool:
        return "-i" in DATABASES[self.database]


FORMS = [
    Form(*each) for each in itertools.product(COMMANDS, DATABASES, (False, True))
] + [Form(command, "sqlalchemy", renamed=True) for command in COMMANDS]
