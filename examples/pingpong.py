"""Ping pong: a minimal TurboGears application with Socket.IO.

From the repository's root, with ``tgext.socketio`` and ``gearbox`` installed::

    gearbox serve -c development.ini.sample

and open http://127.0.0.1:8080/. The page works with the 0.9 and with the 4.x client of
Socket.IO; both use the same namespace.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from string import Template
from typing import Any, NamedTuple

from tg import MinimalApplicationConfigurator, TGController, expose, redirect, validate
from tg.support.responses import abort
from tg.validation import TGValidationError

from tgext.socketio import SocketIOController, SocketIOTGNamespace


class NoFireBallValidator:
    """An attack is ``{'type': ...}``; ``auto`` becomes ``ping`` or ``fireball``."""

    def to_python(self, value: Any, state: object = None) -> dict[str, Any]:
        # Clients can send any value, not only an object.
        kind = value.get("type") if isinstance(value, dict) else None
        if kind == "error":
            raise TGValidationError("Got an error!")
        if kind == "auto":
            return {**value, "type": random.choice(("ping", "fireball"))}
        if kind not in ("ping", "fireball"):
            raise TGValidationError("Unknown attack")
        return value


class PingPong(SocketIOTGNamespace):
    @validate({"attack": NoFireBallValidator()})
    def on_ping(self, attack: dict[str, Any]) -> None:
        if attack["type"] == "fireball":
            for _ in range(10):
                self.emit("pong", {"sound": "bang!"})
        else:
            self.emit("pong", {"sound": "pong"})


class Client(NamedTuple):
    """A generation of the browser's client library, and how it connects."""

    version: str
    integrity: str
    connect: str

    @property
    def script(self) -> str:
        package = f"socket.io-client@{self.version}"
        return f"https://cdn.jsdelivr.net/npm/{package}/dist/socket.io.min.js"


CLIENTS = {
    "0.9": Client(
        version="0.9.16",
        integrity="sha384-"
        "tJ7w+lULLpmV542qcUadKW9sJk5gTQ+69Sce1hvB1rzLPumRzt+9QikyiyE76LK2",
        connect="io.connect('/pingpong', {resource: 'socketio'})",
    ),
    "4": Client(
        version="4.8.4",
        integrity="sha384-"
        "fBrXvbDtHoeKWJ/hcA6M+YGueiDW+h45I7V6F2kD1S8bOkrF9rZYPLVkCR6BLR/1",
        connect="io('/pingpong', {path: '/socketio/'})",
    ),
}


class KnownClient:
    """The ``client`` of the page's query: one of `CLIENTS`, by default the newest."""

    def to_python(self, value: Any, state: object = None) -> str:
        if not value:
            return "4"
        # A parameter given twice is a list.
        if not isinstance(value, str) or value not in CLIENTS:
            raise TGValidationError("Unknown client")
        return value


def unknown_client(*args: Any, **params: Any) -> None:
    abort(400, f"client must be one of {', '.join(CLIENTS)}")


class SocketIO(SocketIOController):
    pingpong = PingPong

    @expose(content_type="text/html; charset=utf-8")
    @validate({"client": KnownClient()}, error_handler=unknown_client)
    def page(self, client: str = "4") -> str:
        chosen = CLIENTS[client]
        other = "4" if client == "0.9" else "0.9"
        return PAGE.substitute(
            chosen._asdict(),
            script=chosen.script,
            other=other,
            other_version=CLIENTS[other].version,
        )


class RootController(TGController):
    socketio = SocketIO()

    @expose()
    def index(self) -> None:
        redirect("/socketio/page")


def make_app(global_conf: Mapping[str, str], **settings: str) -> Callable[..., Any]:
    """The application factory of PasteDeploy."""
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController()})
    return configurator.make_wsgi_app(dict(global_conf), settings)


PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ping pong</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: light dark; --line: #8884; --accent: #2a7; --bad: #c33; }
  body { font: 1.1rem/1.5 system-ui, sans-serif; margin: 0; }
  main { max-width: 34rem; margin: 0 auto; padding: 1.5rem 1rem; }
  h1 { margin: 0; }
  #client { color: GrayText; margin: 0 0 1.5rem; }
  #attacks { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr));
             gap: .5rem; }
  .attack { border: 1px solid var(--accent); border-radius: .5rem; color: inherit;
            padding: .6rem; text-align: center; text-decoration: none; }
  .attack:hover, .attack:focus { background: var(--accent); color: white; }
  #error { border-left: .3rem solid var(--bad); padding: .3rem .8rem; }
  #result { border-top: 1px solid var(--line); margin: 1.5rem 0; padding: 1rem 0; }
</style>
<script src="$script"
        integrity="$integrity" crossorigin="anonymous"></script>
</head>
<body>
<main>
  <h1>Ping pong</h1>
  <p id="client">
    socket.io-client <span id="version">$version</span>,
    <span id="state">connecting</span>.
    <a id="switch" href="?client=$other">Play with $other_version</a>
  </p>
  <nav id="attacks">
    <a class="attack" id="ping" href="#ping">Ping</a>
    <a class="attack" id="fireball" href="#fireball">Fireball</a>
    <a class="attack" id="auto" href="#auto">Auto</a>
    <a class="attack" id="provoke" href="#error">Error</a>
  </nav>
  <p id="error" role="alert" hidden></p>
  <div id="result" aria-live="polite"></div>
</main>
<script>
'use strict';
(function () {
  const element = (id) => document.getElementById(id);

  function showError(name, info) {
    // A validator's refusal is an object: field -> message.
    const details = info instanceof Object
      ? Object.entries(info).map((refusal) => refusal.join(': '))
      : [info || ''];
    element('error').textContent = [name, ...details].join(' ');
    element('error').hidden = false;
  }

  function showSound(data) {
    const line = document.createElement('div');
    line.textContent = data.sound;
    element('result').append(line);
  }

  function showState(state) {
    element('state').textContent = state;
  }

  if (!window.io) {
    showState('not loaded');
    showError('The client library could not be loaded');
    return;
  }

  const socket = $connect;
  socket.on('connect', () => showState('connected'));
  socket.on('disconnect', () => showState('disconnected'));
  socket.on('pong', showSound);
  socket.on('error', showError);

  const attacks = {ping: 'ping', fireball: 'fireball', auto: 'auto', provoke: 'error'};
  for (const [id, type] of Object.entries(attacks)) {
    element(id).addEventListener('click', (click) => {
      click.preventDefault();
      element('error').hidden = true;
      socket.emit('ping', {type: type});
    });
  }
})();
</script>
</body>
</html>
""")
