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
from typing import Any

from tg import MinimalApplicationConfigurator, TGController, expose, redirect, validate
from tg.support.responses import abort
from tg.validation import TGValidationError

from examples.pages import CLIENTS, Pages
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


START = "gearbox serve -c development.ini.sample client_directory=client"


class SocketIO(SocketIOController):
    pingpong = PingPong

    @expose(content_type="text/html; charset=utf-8")
    @validate({"client": KnownClient()}, error_handler=unknown_client)
    def page(self, client: str = "4") -> str:
        chosen = CLIENTS[client]
        other = "4" if client == "0.9" else "0.9"
        return PAGE.substitute(
            version=chosen.version,
            connect=chosen.connect,
            client=chosen.tag(START),
            other=other,
            other_version=CLIENTS[other].version,
        )


class RootController(TGController):
    pages = Pages()
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
<link rel="stylesheet" href="/pages/pages.css">
<style>
  #attacks { border: 0; margin: 0; padding: 0;
             display: grid; grid-template-columns: repeat(4, 1fr); gap: .5rem; }
  #attacks button { border-color: var(--accent); }
  #error { border-left: .3rem solid var(--bad); padding: .3rem .8rem; }
  #result { border-top: 1px solid var(--line); margin: 1.5rem 0; padding: 1rem 0; }
  @media (max-width: 26rem) { #attacks { grid-template-columns: 1fr 1fr; } }
</style>
$client
</head>
<body>
<main class="column">
  <h1>Ping pong</h1>
  <p id="state" role="status"></p>
  <p>
    socket.io-client <span id="version">$version</span>.
    <a id="switch" href="?client=$other">Play with $other_version</a>
  </p>
  <fieldset id="attacks" aria-label="Attacks" data-online>
    <button id="ping">Ping</button>
    <button id="fireball">Fireball</button>
    <button id="auto">Auto</button>
    <button id="provoke">Error</button>
  </fieldset>
  <p id="error" role="alert" hidden></p>
  <div id="result" aria-live="polite"></div>
</main>
<script src="/pages/pages.js"></script>
<script>
'use strict';
(function () {
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

  if (!isClientLoaded()) return;
  const socket = $connect;
  showStateOf(socket);
  socket.on('pong', showSound);
  socket.on('error', showError);

  const attacks = {ping: 'ping', fireball: 'fireball', auto: 'auto', provoke: 'error'};
  for (const [id, type] of Object.entries(attacks)) {
    element(id).addEventListener('click', () => {
      element('error').hidden = true;
      socket.emit('ping', {type: type});
    });
  }
})();
</script>
</body>
</html>
""")
