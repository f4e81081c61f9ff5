"""The full-stack application, served, and the browsers and connections of its users."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from sqlalchemy import Engine, create_engine, text

from tests.engine import clients

from .serving import HERE, Server

INI = HERE / "fixtureapps" / "fullstack.ini"
CATALOGS = HERE / "fixtureapps" / "fullstack" / "i18n"

PASSWORD = "sesame"


def compile_catalogs(target: Path) -> None:
    for source in CATALOGS.rglob("*.po"):
        compiled = target / source.relative_to(CATALOGS).with_suffix(".mo")
        compiled.parent.mkdir(parents=True)
        with source.open("rb") as messages, compiled.open("wb") as output:
            write_mo(output, read_po(messages))


class Site:
    """The application, and its database over another connection."""

    def __init__(self, directory: Path, database: str) -> None:
        catalogs = directory / "catalogs"
        compile_catalogs(catalogs)
        self.engine: Engine = create_engine(database)
        self.clients: list[clients.Client] = []
        self.server = Server(
            INI,
            directory / "server.log",
            variables={"database": database, "data": directory, "catalogs": catalogs},
        )

    def execute(self, statement: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def select(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]

    def forget_everything(self) -> None:
        """Delete all notes and visits, and restore the permissions."""
        for table in ("notes", "visits", "grants"):
            self.execute(f"DELETE FROM {table}")
        self.execute("DELETE FROM members WHERE group_name = 'banned'")
        self.execute("INSERT INTO grants VALUES ('managers', 'manage')")

    def usage(self) -> dict[str, int]:
        """The numbers of connected clients and of database connections in use."""
        usage: dict[str, int] = Browser(self).ask("/usage")
        return usage

    def send_all_home(self) -> None:
        """Close all connections, and wait until the server has noticed."""
        while self.clients:
            self.clients.pop().close()
        clients.wait_for(
            lambda: self.usage() == {"clients": 0, "pool": 5, "used": 0},
            "the end of the last event",
        )

    def notes(self) -> list[tuple[Any, ...]]:
        """The notes, with their authors."""
        return self.select("SELECT author, text FROM notes ORDER BY id")


class Browser:
    """One browser: its cookies, and the languages it prefers."""

    def __init__(self, site: Site, languages: str = "en") -> None:
        self.site = site
        self.cookies: dict[str, str] = {}
        self.languages = languages

    @property
    def headers(self) -> dict[str, str]:
        headers = {"Accept-Language": self.languages}
        if self.cookies:
            pairs = (f"{name}={value}" for name, value in self.cookies.items())
            headers["Cookie"] = "; ".join(pairs)
        return headers

    def visit(self, path: str, **parameters: str) -> clients.Reply:
        """GET a page; the cookies that it sets are kept."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return self._request("GET", path + query)

    def ask(self, path: str, **parameters: str) -> Any:
        """The JSON value that a page answers."""
        reply = self.visit(path, **parameters)
        assert reply.status == 200, reply
        return reply.json

    def log_in(self, user: str) -> Browser:
        form = urlencode({"login": user, "password": PASSWORD})
        assert self._request("POST", "/login_handler", form).status == 302
        assert self.ask("/who") == {"user": user}
        return self

    def log_out(self) -> None:
        assert self.visit("/logout_handler").status == 302

    def _request(self, method: str, target: str, body: str = "") -> clients.Reply:
        headers = self.headers
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        http = clients.Http(self.site.server.port)
        reply = http.request(method, target, body or None, headers)
        http.close()
        for told in reply.headers.get_all("Set-Cookie") or ():
            pair, _, attributes = told.partition(";")
            name, _, value = pair.partition("=")
            if "max-age=0" in attributes.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return reply

    def connect(self, namespace: str = "/notes") -> clients.WebSocket5:
        port = self.site.server.port
        client = clients.WebSocket5(port, headers={**self.headers})
        self.site.clients.append(client)
        client.join(namespace)
        return client
