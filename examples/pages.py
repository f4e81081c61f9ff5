"""What the pages of the examples share: a stylesheet, a script, the client file.

The client file of Socket.IO comes from a CDN. To serve it yourself, put it into a
directory, under the name that the page without it tells, and name the directory::

    gearbox serve -c development.ini.sample client_directory=DIRECTORY
    python examples/chat.py --client-directory DIRECTORY
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import tg
from tg import TGController, expose
from webob.static import FileApp

HERE = Path(__file__).parent


class Client(NamedTuple):
    """A generation of the browser's client library, and how it connects."""

    version: str
    integrity: str
    connect: str

    @property
    def script(self) -> str:
        package = f"socket.io-client@{self.version}"
        return f"https://cdn.jsdelivr.net/npm/{package}/dist/socket.io.min.js"

    @property
    def file(self) -> str:
        """The name of the client file in a directory of one's own."""
        return f"socket.io-{self.version}.min.js"

    def tag(self, start: str) -> str:
        """The ``<script>`` of a page.

        :param start: the command that starts the example with a directory of one's own.
            A page that could not load the client file tells it.
        """
        source = f'src="{self.script}" integrity="{self.integrity}"'
        if own_directory():
            source = f'src="/pages/{self.file}"'
        return (
            f'<script id="client" data-version="{self.version}" '
            f'data-file="{self.file}" data-start="{escape(start)}"\n'
            f'        {source} crossorigin="anonymous"></script>'
        )


CLIENTS = {
    "0.9": Client(
        version="0.9.16",
        integrity="sha384-"
        "tJ7w+lULLpmV542qcUadKW9sJk5gTQ+69Sce1hvB1rzLPumRzt+9QikyiyE76LK2",
        # It would give up after ten attempts.
        connect="io.connect('/pingpong', {resource: 'socketio', "
        "'max reconnection attempts': Infinity, 'reconnection limit': 5000})",
    ),
    "4": Client(
        version="4.8.4",
        integrity="sha384-"
        "fBrXvbDtHoeKWJ/hcA6M+YGueiDW+h45I7V6F2kD1S8bOkrF9rZYPLVkCR6BLR/1",
        connect="io('/pingpong', {path: '/socketio/'})",
    ),
}


def own_directory() -> str | None:
    """The directory of the client files, if they do not come from the CDN."""
    directory: str | None = tg.config.get("client_directory")
    return directory


class Pages(TGController):
    """The shared files: ``/pages/pages.css`` and others."""

    @expose()
    def _default(self, *path: str) -> Any:
        name = tg.request.path_info.rpartition("/")[2]
        if name in ("pages.css", "pages.js"):
            return tg.use_wsgi_app(FileApp(str(HERE / name)))
        directory = own_directory()
        if directory and name in {client.file for client in CLIENTS.values()}:
            return tg.use_wsgi_app(FileApp(str(Path(directory) / name)))
        tg.abort(404)
