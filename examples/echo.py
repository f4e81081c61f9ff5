"""A plain WebSocket that sends back each message.

From the repository's root::

    gearbox serve -c examples/echo.ini
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tg import MinimalApplicationConfigurator, TGController, expose, request

from tgext.socketio.websocket import websocket


class RootController(TGController):
    @expose(content_type="text/html; charset=utf-8")
    def index(self) -> str:
        return PAGE

    @expose()
    @websocket
    def echo(self) -> None:
        for message in request.websocket:
            if isinstance(message, str):
                message = f"Message received: {message}"
            request.websocket.send(message)


def make_app(global_conf: Mapping[str, str], **settings: str) -> Callable[..., Any]:
    """The application factory of PasteDeploy."""
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController()})
    return configurator.make_wsgi_app(dict(global_conf), settings)


PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Echo</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: light dark; --line: #8884; --accent: #2a7; }
  body { font: 1.1rem/1.5 system-ui, sans-serif; margin: 0; }
  main { max-width: 34rem; margin: 0 auto; padding: 1.5rem 1rem; }
  h1 { margin: 0; }
  #state { color: GrayText; margin: 0 0 1.5rem; }
  form { display: flex; gap: .5rem; }
  input, button { border: 1px solid var(--accent); border-radius: .5rem; font: inherit;
                  padding: .6rem; }
  input { flex: 1; min-width: 0; }
  button { background: var(--accent); color: white; }
  #received { border-top: 1px solid var(--line); margin: 1.5rem 0; padding: 1rem 0; }
</style>
</head>
<body>
<main>
  <h1>Echo</h1>
  <p id="state" role="status">connecting</p>
  <form id="form">
    <input id="message" aria-label="Message" autocomplete="off" autofocus>
    <button>Send</button>
  </form>
  <div id="received" aria-live="polite"></div>
</main>
<script>
'use strict';
(function () {
  const element = (id) => document.getElementById(id);
  let socket;

  function connect() {
    const url = new URL('/echo', location);
    url.protocol = url.protocol.replace('http', 'ws');
    socket = new WebSocket(url);
    socket.onopen = () => { element('state').textContent = 'connected'; };
    socket.onmessage = (event) => {
      const line = document.createElement('div');
      line.textContent = event.data;
      element('received').append(line);
    };
    socket.onclose = () => {
      element('state').textContent = 'disconnected, trying again';
      setTimeout(connect, 1000);
    };
  }

  element('form').addEventListener('submit', (submit) => {
    submit.preventDefault();
    if (socket.readyState === WebSocket.OPEN) {
      socket.send(element('message').value);
      element('message').value = '';
    }
  });
  connect();
})();
</script>
</body>
</html>
"""
