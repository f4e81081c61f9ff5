"""The application that tests/live/clients/scenarios.js talks to.

``/pingpong`` is the example's namespace. ``/lab`` has an event for each thing that a
client can observe, and clients of ``/recover`` recover. ``/annex`` and ``/été`` are
further namespaces. ``/members`` refuses anonymous clients. ``/door`` refuses clients
without the password, and ``/vault`` does the same by raising an exception. A cookie
``user=NAME`` names the user.

The page ``/page?client=GENERATION`` has the browser build of that client, and modules
of tests/live/clients.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import gevent
from gevent.event import AsyncResult, Event
from tg import (
    MinimalApplicationConfigurator,
    TGController,
    abort,
    expose,
    request,
    require,
    url,
    validate,
)
from tg.appwrappers.identity import IdentityApplicationWrapper
from tg.predicates import is_user, not_anonymous
from tg.validation import Convert

from examples.pingpong import PingPong
from tgext.socketio import SocketIOController, SocketIOTGNamespace, event
from tgext.socketio.engine.mixins import BroadcastMixin, RoomsMixin
from tgext.socketio.engine.namespaces.acks import AckTimeout
from tgext.socketio.namespace import ConnectionRefused
from tgext.socketio.pubsub import PubSubTGNamespace
from tgext.socketio.wire.socketio.packet import event_packet

#: Seconds that a handler waits for a client, or for news of one.
PATIENCE = 5

#: Accents, a snowman, kanji, an emoji outside the BMP, a separator that is JSON but was
#: no JavaScript, and what no script element can hold.
GREETING = "grüße ☃ 漢字 😀 a\u2028b <!--<script>"

#: Bytes that are not UTF-8.
KEY = b"\x00\xff"

#: By the name a client gave itself: set when the server saw it leave.
departures: defaultdict[str, Event] = defaultdict(Event)


def user_name(environ: dict[str, Any]) -> str:
    name: str = environ["repoze.who.identity"]["repoze.who.userid"]
    return name


class Lab(RoomsMixin, BroadcastMixin, SocketIOTGNamespace):
    caller: str | None = None

    def on_add(self, a: int, b: int) -> int:
        return a + b

    def on_divide(self, a: int, b: int) -> tuple[int, int]:
        return divmod(a, b)

    def on_describe(self, thing: dict[str, Any]) -> dict[str, Any]:
        return {"got": thing}

    def on_ask_me(self, question: str) -> None:
        def answered(*answer: Any) -> None:
            self.emit("answered", *answer)

        self.emit("question", question, callback=answered)

    def on_wait_for_me(self, question: str) -> None:
        answer: AsyncResult = AsyncResult()
        self.emit("question", question, callback=answer.set)
        self.emit("answered", answer.get(timeout=PATIENCE))

    def on_consult(self, question: str) -> Any:
        return self.call("question", question, timeout=PATIENCE)

    def on_consult_hastily(self) -> str:
        try:
            self.call("question", "quick", timeout=0.05)
        except AckTimeout:
            return "AckTimeout"
        return "answered"

    def on_ask_me_hastily(self, seconds: float) -> None:
        def told(*answer: Any) -> None:
            spelled = [a if isinstance(a, str) else type(a).__name__ for a in answer]
            self.emit("told", *spelled)

        self.emit("question", "quick", callback=told, timeout=seconds)

    def on_survey(self, question: str) -> Any:
        target = self.socket_by_id(self.id)
        target.join("asked")
        answers, missing = target.emit("question", question, ack=PATIENCE)
        return self.id, answers, missing

    def on_rooms(self) -> Any:
        return sorted(self.rooms)

    def on_auth(self) -> Any:
        return self.auth

    def on_query(self) -> dict[str, list[str]]:
        query = parse_qs(self.environ["QUERY_STRING"])
        return {name: query[name] for name in ("token", "level") if name in query}

    @validate({"number": Convert(int, "Must be a number")})
    def on_double(self, number: int) -> int:
        return number * 2

    @require(is_user("gandalf"))
    def on_secret(self) -> str:
        return "speak, friend, and enter"

    def on_boom(self) -> None:
        raise RuntimeError("the password is swordfish")

    def on_exit(self) -> None:
        sys.exit("the handler exits")

    def on_lose_patience(self) -> None:
        with gevent.Timeout(0.05):
            Event().wait()

    def on_call_me(self, name: str) -> str:
        self.caller = name
        return name

    def on_take_long(self, seconds: float) -> str:
        print("takes long", flush=True)
        gevent.sleep(seconds)
        print("took long", flush=True)
        return "done"

    def on_has_left(self, name: str) -> bool:
        return departures[name].wait(PATIENCE)

    def recv_disconnect(self) -> None:
        if self.caller is not None:
            departures[self.caller].set()
        super().recv_disconnect()

    def on_throw_me_out(self) -> None:
        self.disconnect()

    def on_throw_me_out_silently(self) -> None:
        self.disconnect(silent=True)

    def on_kick_me(self) -> None:
        self.socket.disconnect()

    def on_greet(self) -> None:
        self.emit("greeting", GREETING)

    def on_report(self, text: str) -> tuple[str, list[int]]:
        return text, [ord(character) for character in text]

    def on_fill(self, size: int) -> str:
        return GREETING + "é" * size

    def on_count(self, number: int) -> None:
        self.emit("counted", number)

    def on_say(self, text: str) -> None:
        self.send(text)

    def recv_message(self, data: Any) -> None:
        self.emit("received", data)

    def on_reverse(self, content: bytes) -> bytes:
        return content[::-1]

    def on_repack(
        self, parcel: dict[str, Any], stamp: bytes
    ) -> tuple[int, dict[str, bytes]]:
        content = parcel["inner"][0]["content"]
        parcel["inner"].append([{"stamp": stamp}])
        self.emit("repacked", stamp, parcel)
        return len(content), {"content": content[::-1]}

    def on_fetch(self) -> None:
        def fetched(parcel: dict[str, list[bytes]], key: bytes) -> None:
            self.emit("fetched", parcel["content"][0][::-1], key == KEY)

        self.emit("key", KEY, callback=fetched)

    def on_shout(self, text: str) -> None:
        self.broadcast_event("heard", text)

    def on_shout_others(self, text: str) -> None:
        self.broadcast_event_not_me("heard", text)

    def on_enter(self, room: str) -> bool:
        self.join(room)
        return True

    def on_quit(self, room: str) -> bool:
        self.leave(room)
        return True

    def on_tell_room(self, room: str, text: str) -> None:
        self.emit_to_room(room, "heard", text)


class Recover(Lab, PubSubTGNamespace):
    recovery = True

    def subscribe_topic(self, name: str) -> str:
        return name

    def on_publish(self, name: str, text: str) -> None:
        self.publish(name, text)


class News(PubSubTGNamespace):
    history = 10
    rewind = 2
    pubblication_position = True

    def subscribe_topic(self, name: str) -> str:
        return name

    def on_tell(self, name: str, *texts: Any) -> bool:
        for text in texts:
            self.publish(name, text)
        return True


class Parcels(SocketIOTGNamespace):
    unallowed_event_name_error = False

    def recv_connect(self) -> None:
        for _ in range(3):
            self.emit("parcel", "x" * 400_000)

    def on_add(self, a: int, b: int) -> int:
        return a + b

    @event("$stream")
    def on_stream(self, name: str, options: Any, *args: Any) -> None:
        """Called by npm's socket.io-stream when it begins to send."""
        self.emit("streamed", name, args[-1])


class Members(SocketIOTGNamespace):
    allow_only = not_anonymous("Members only")

    def on_who(self) -> str:
        return user_name(self.environ)


class Door(SocketIOTGNamespace):
    def recv_connect(self) -> None:
        self.emit("welcome", "come in")
        if (self.auth or {}).get("token") != "friend":
            raise ConnectionRefused("who are you?", {"say": "friend"})


class Vault(RoomsMixin, BroadcastMixin, SocketIOTGNamespace):
    """Fails for clients without the password; all other clients are sent secrets."""

    def initialize(self) -> None:
        self.join("staff")
        self.emit("welcome", "in a moment")

    def recv_connect(self) -> None:
        if "word=sesame" in self.environ["QUERY_STRING"]:
            return
        for _ in range(3):
            gevent.spawn(tell_secrets).join()
            gevent.sleep(0.02)
        raise KeyError("user")


def tell_secrets() -> None:
    """Send secrets in every way that reaches several clients."""
    vault = SocketIO.namespace("/vault")
    vault.emit("heard", "everybody")
    vault.emit_to_room("staff", "heard", "staff")
    for each in vault.sockets[:1]:
        for socket in each.server.sockets.values():
            packet = event_packet("/vault", "heard", ["every socket"])
            socket.send_packet(packet)


class SocketIO(SocketIOController):
    vault = Vault
    pingpong = PingPong
    lab = annex = été = Lab
    recover = Recover
    news = News
    members = Members
    parcels = Parcels
    door = Door


CLIENTS = Path(__file__).resolve().parent.parent / "clients"

#: The clients that a page can have, by what requires them in clients.js.
LIBRARIES = {
    each: f"socket.io-client-{each}/dist/socket.io.js"
    for each in ("0.9", "1", "2", "3", "4", "4.6", "4.7")
}

#: The modules of clients/ that pages load, too.
MODULES = ("bytes", "clients", "scenarios", "player", "page")

PAGE = """<!doctype html>
<meta charset="utf-8">
{head}
<title>lab</title>
<body>
<script src="/library?client={client}"></script>
<script>
  const library = window.io;
  const definitions = {{}};
  const required = {{}};
  function require(name) {{
    if (name.startsWith('socket.io-client')) return library;
    if (!required[name]) {{
      const module = {{exports: {{}}}};
      definitions[name](require, module);
      required[name] = module.exports;
    }}
    return required[name];
  }}
</script>
{modules}
<script>const page = require('./page.js');</script>
"""


class RootController(TGController):
    socketio = SocketIO()

    @expose(content_type="text/plain")
    def index(self) -> str:
        return "lab"

    @expose("json")
    def seen(self) -> dict[str, str]:
        """What the application knows of its client, and of its own address."""
        return {"address": request.remote_addr, "url": url("/", qualified=True)}

    @expose()
    def exit(self) -> None:
        sys.exit("the page exits")

    @expose(content_type="text/html")
    def page(self, client: str, referrer: str = "") -> str:
        """A page with a client, and optionally a policy that hides its address."""
        if client not in LIBRARIES:
            abort(404)
        head = '<meta name="referrer" content="no-referrer">' if referrer else ""
        modules = [f'<script src="/module?name={name}"></script>' for name in MODULES]
        return PAGE.format(client=client, head=head, modules="\n".join(modules))

    @expose(content_type="text/javascript")
    def library(self, client: str) -> bytes:
        if client not in LIBRARIES:
            abort(404)
        return (CLIENTS / "node_modules" / LIBRARIES[client]).read_bytes()

    @expose(content_type="text/javascript")
    def module(self, name: str) -> str:
        if name not in MODULES:
            abort(404)
        text = (CLIENTS / f"{name}.js").read_text()
        return f"definitions['./{name}.js'] = function (require, module) {{{text}}};"


class Users:
    """Everybody exists, and is in no group."""

    def get_user(self, identity: Mapping[str, Any], userid: str) -> str:
        return userid

    def get_groups(self, identity: Mapping[str, Any], userid: str) -> list[str]:
        return []

    def get_permissions(self, identity: Mapping[str, Any], userid: str) -> list[str]:
        return []


def cookie_identity(app: Callable[..., Any]) -> Callable[..., Any]:
    """Replaces repoze.who: the cookie ``user`` is accepted without a check."""

    def identified(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        user = SimpleCookie(environ.get("HTTP_COOKIE", "")).get("user")
        if user is not None:
            environ["repoze.who.identity"] = {"repoze.who.userid": user.value}
        takes = parse_qs(environ.get("QUERY_STRING", "")).get("takes")
        if takes is not None:
            gevent.sleep(float(takes[0]))
        return app(environ, start_response)

    return identified


class Globals:
    """Where the channels are kept."""


def make_app(global_conf: Mapping[str, str], **settings: str) -> Callable[..., Any]:
    configurator = MinimalApplicationConfigurator()
    configurator.register_application_wrapper(IdentityApplicationWrapper, after=True)
    configurator.update_blueprint(
        {
            "root_controller": RootController(),
            "app_globals": Globals,
            "sa_auth.authmetadata": Users(),
        }
    )
    app = configurator.make_wsgi_app(dict(global_conf), settings)
    return cookie_identity(app)
