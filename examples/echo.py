"""A plain WebSocket that sends back each message.

From the repository's root::

    gearbox serve -c examples/echo.ini
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tg import MinimalApplicationConfigurator, TGController, expose, request

from examples.pages import Pages
from tgext.socketio.websocket import websocket


class RootController(TGController):
    pages = Pages()

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
<link rel="stylesheet" href="/pages/pages.css">
<style>
  form { display: flex; gap: .5rem; }
  #received { border-top: 1px solid var(--line); margin: 1.5rem 0; padding: 1rem 0;
              overflow-wrap: anywhere; }
</style>
</head>
<body>
<main class="column">
  <h1>Echo</h1>
  <p id="state" role="status"></p>
  <form id="form">
    <input id="message" aria-label="Message" autocomplete="off" autofocus>
    <button class="main" data-online>Send</button>
  </form>
  <div id="received" aria-live="polite"></div>
</main>
<script src="/pages/pages.js"></script>
<script>
'use strict';
(function () {
  let socket;

  function connect() {
    const url = new URL('/echo', location);
    url.protocol = url.protocol.replace('http', 'ws');
    socket = new WebSocket(url);
    showStateOfWebSocket(socket, connect);
    socket.onmessage = (event) => {
      const line = document.createElement('div');
      line.textContent = event.data;
      element('received').append(line);
    };
  }

  element('form').addEventListener('submit', (submit) => {
    submit.preventDefault();
    // What is typed while away stays where it is.
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send(element('message').value);
    element('message').value = '';
  });
  showState('connecting');
  connect();
})();
</script>
</body>
</html>
"""
