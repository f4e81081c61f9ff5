"""A chat like the original's example: with its API, its client and its way to start.

``python original_chat.py PORT REDIS_PORT``; a page with the 0.9 client.
"""

import sys

from tgext.socketio.server import socketio_server_runner

# isort: split
from tg import AppConfig, TGController, expose

from examples.pingpong import CLIENTS
from tgext.socketio import SocketIOController
from tgext.socketio.pubsub import PubSubTGNamespace

CLIENT = CLIENTS["0.9"]

PAGE = f"""\
<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<script src="{CLIENT.script}" crossorigin="anonymous"></script>
</head>
<body>
<p id="me"></p>
<div id="lines"></div>
<form id="form"><input id="message"></form>
<script>
  const socket = io.connect('/chat', {{resource: 'socketio'}});
  const show = (id, text) => document.getElementById(id).append(text, '\\n');
  socket.on('connect', () => socket.emit('subscribe', 'room', location.hash.slice(1)));
  socket.on('userid', (id) => show('me', id));
  socket.on('pubblication', (data) => show('lines', data.uid + ' ' + data.message));
  document.getElementById('form').addEventListener('submit', (event) => {{
    event.preventDefault();
    socket.emit('user_message', document.getElementById('message').value);
  }});
</script>
</body>
</html>
"""


class ChatNamespace(PubSubTGNamespace):
    users = 0

    def subscribe_room(self, roomid):
        ChatNamespace.users += 1
        self.session["uid"] = f"user-{ChatNamespace.users}"
        self.session["channel"] = f"room-{roomid}"
        self.emit("userid", self.session["uid"])
        return self.session["channel"]

    def on_user_message(self, message):
        channel, uid = self.session["channel"], self.session["uid"]
        self.publish(channel, {"uid": uid, "message": message})


class SocketIO(SocketIOController):
    chat = ChatNamespace


class RootController(TGController):
    socketio = SocketIO()

    @expose()
    def index(self):
        return PAGE


config = AppConfig(minimal=True, root_controller=RootController())
config["anypubsub.backend"] = "redis"
config["anypubsub.port"] = sys.argv[2]
socketio_server_runner(
    config.make_wsgi_app(), config, socketio_resource="socketio", port=sys.argv[1]
)
