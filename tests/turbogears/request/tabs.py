"""An application with a login and sessions, and browsers with several tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tg
from tg import MinimalApplicationConfigurator, TGController, expose, predicates, require
from tg.appwrappers.base import ApplicationWrapper
from tg.configuration.auth import TGAuthMetadata
from tg.configurator.components.auth import SimpleAuthenticationConfigurationComponent
from tg.configurator.components.session import SessionConfigurationComponent

from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.request.cookieheaders import read_set_cookies, write_cookies
from tgext.socketio.request.cookies import CookieWatch
from tgext.socketio.request.event import Event
from tgext.socketio.server import NO_CHALLENGES


class Users(TGAuthMetadata):
    def __init__(self) -> None:
        self.permissions = {"ada": ["manage"]}

    def authenticate(self, environ: Any, identity: Any) -> str | None:
        return identity["login"] if identity["password"] == "sesame" else None

    def get_user(self, identity: Any, userid: str) -> Any:
        return {"name": userid}

    def get_groups(self, identity: Any, userid: str) -> list[str]:
        return []

    def get_permissions(self, identity: Any, userid: str) -> list[str]:
        return self.permissions.get(userid, [])


class Touch(ApplicationWrapper):
    """Reads the session in each request, as TurboGears does for the language."""

    def __call__(self, controller: Any, environ: Any, context: Any) -> Any:
        context.session.get("language")
        if context.config.get("counts_visits") and not isinstance(context, Event):
            visits = context.session.get("visits", 0) + 1
            context.session["visits"] = visits
            context.session.save()
        return self.next_handler(controller, environ, context)


class Lab(SocketIOTGNamespace):
    def on_who(self):
        identity = tg.request.identity
        return identity and identity["repoze.who.userid"]

    def on_recall(self):
        return tg.session.get("colour")

    def on_remember(self, colour):
        tg.session["colour"] = colour
        tg.session.save()

    @require(predicates.has_permission("manage"))
    def on_manage(self):
        return "managed"

    def on_environ(self, key):
        return tg.request.environ.get(key)

    def on_fail(self):
        raise AssertionError("not reached")

    def on_ask(self):
        self.emit("question", callback=self.on_remember)


class SocketIO(SocketIOController):
    lab = Lab
    other = Lab


class RootController(TGController):
    socketio = SocketIO()

    @expose()
    def index(self) -> str:
        return "a page"

    @expose()
    def become(self, user: str) -> str:
        """Log another user in."""
        environ = tg.request.environ
        ticket = environ["repoze.who.plugins"]["cookie"]
        told = ticket.remember(environ, {"repoze.who.userid": user})
        tg.response.headers.extend(told)
        return user

    @expose()
    def remember(self, colour: str) -> str:
        tg.session["colour"] = colour
        tg.session.save()
        return colour

    @expose()
    def recall(self) -> str:
        return str(tg.session.get("colour"))


class Site:
    """The application, served.

    :param options: of the application.
    """

    def __init__(self, serve: Callable[..., Live], **options: Any) -> None:
        self.users = Users()
        configurator = MinimalApplicationConfigurator()
        configurator.register(SessionConfigurationComponent)
        configurator.register(SimpleAuthenticationConfigurationComponent)
        configurator.register_application_wrapper(Touch, after=False)
        configurator.update_blueprint(
            {
                "root_controller": RootController(),
                "session.enabled": True,
                "session.validate_key": "a secret",
                "sa_auth.enabled": True,
                "sa_auth.cookie_secret": "secret",
                "sa_auth.authmetadata": self.users,
                "sa_auth.post_login_url": "/",
                "sa_auth.post_logout_url": "/",
                **options,
            }
        )
        application = CookieWatch(configurator.make_wsgi_app({}, {}))
        self.live = serve(application=application, resource="socketio")
        self.live.server.opening_environ = NO_CHALLENGES

    def browser(self, user: str | None = None) -> Browser:
        """A new browser, in which a user has logged in."""
        browser = Browser(self)
        browser.visit("/")
        if user is not None:
            browser.log_in(user)
        return browser


class Browser:
    """The cookies of a browser, its pages and its connections.

    :ivar cookies: they are what pages and handshakes have set.
    """

    def __init__(self, site: Site, **cookies: str) -> None:
        self.site = site
        self.cookies: dict[str, str | None] = {**cookies}

    def visit(self, path: str) -> str:
        """Visit a page, and return its text."""
        reply = self.site.live.http().get(path, self.headers)
        self.keep(reply.headers)
        assert reply.status in (200, 302), reply
        return reply.text

    def log_in(self, user: str) -> None:
        self.visit(f"/login_handler?login={user}&password=sesame")

    def log_out(self) -> None:
        self.visit("/logout_handler")

    @property
    def headers(self) -> dict[str, str]:
        cookies = write_cookies(self.cookies)
        return {"Cookie": cookies} if cookies else {}

    def keep(self, headers: Any) -> None:
        """Keep the cookies of an answer."""
        told = read_set_cookies(headers.get_all("Set-Cookie") or [])
        self.cookies.update((each.name, each.value) for each in told)

    def connect(self) -> Tab:
        return Tab(self)


class Tab:
    """A connection of a browser."""

    def __init__(self, browser: Browser) -> None:
        self.client = browser.site.live.websocket_5(headers=browser.headers)
        browser.keep(self.client.websocket.headers)
        self.client.join("/lab")

    def call(self, event: str, *args: Any) -> Any:
        [result] = self.client.call("/lab", event, *args)
        return result

    def expect_to_come_back(self) -> None:
        """Expect an end after which clients reconnect by themselves."""
        assert self.client.receive() == "1"
        self.client.websocket.receive_close()
