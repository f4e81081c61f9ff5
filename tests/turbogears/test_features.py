"""Features of TurboGears, used in an event: what works, and what is only for pages.

``docs/turbogears_features.rst`` lists them, with these tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import tg
from tg import (
    FullStackApplicationConfigurator,
    TGController,
    expose,
    flash,
    lurl,
    url,
    validate,
)
from tg.decorators import (
    before_render,
    decode_params,
    https,
    paginate,
    with_engine,
)
from tg.decorators.decorators import after_render
from tg.render import render

from tests.engine.conftest import Live
from tests.redis_server import RedisServer, running_redis
from tgext.socketio import SocketIOController, SocketIOTGNamespace

#: The packages of the template engines, by the name that TurboGears has for them.
ENGINES = {"kajiki": "kajiki", "mako": "mako", "jinja": "jinja2", "json": "json"}

TEMPLATE = "tests.turbogears.templates.note"

ran: list[str] = []


def noting(name: str) -> Callable[..., None]:
    """A hook that notes that it ran."""

    def hook(*args: Any, **kwargs: Any) -> None:
        ran.append(name)

    return hook


class Lab(SocketIOTGNamespace):
    def on_url(self) -> list[str]:
        return [url("/page", {"a": 1}), str(lurl("/page")), tg.request.host_url]

    def on_render(self, engine: str) -> str:
        template = None if engine == "json" else TEMPLATE
        options = {"is_fragment": True} if engine == "kajiki" else {}
        return str(render({"content": "x"}, engine, template, **options)).strip()

    def on_flash(self) -> str:
        flash("saved")
        return tg.flash.pop_payload().get("message", "") or "nothing"

    def on_set_cookie(self) -> None:
        tg.response.set_cookie("told", "yes")
        tg.response.headers["X-Told"] = "yes"

    def on_hinted(self, number, sure=False):
        return [number, sure]

    # TurboGears does not look up the names that hints are with this module's import.
    on_hinted.__annotations__.update(number=int, sure=bool)
    validate()(on_hinted)

    @expose("json")
    def on_exposed(self) -> dict[str, Any]:
        return {"number": 1}

    @expose(f"kajiki:{TEMPLATE}")
    @before_render(noting("before_render"))
    @after_render(noting("after_render"))
    def on_exposed_with_a_template(self) -> dict[str, Any]:
        return {"content": "x"}

    @https
    def on_https(self) -> None:
        raise AssertionError

    @paginate("items")
    @with_engine()
    def on_paginated(self) -> dict[str, Any]:
        return {"items": list(range(30))}

    @decode_params("json")
    def on_decoded(self, values: Any) -> Any:
        return values

    def on_recall(self) -> Any:
        return tg.session.get("colour")

    def on_remember(self, colour: str) -> None:
        tg.session["colour"] = colour
        tg.session.save()

    def on_globals(self) -> list[Any]:
        tg.tmpl_context.mine = "here"
        return [
            tg.tmpl_context.mine,
            tg.config["answer"],
            tg.app_globals.greeting,
            tg.request.method,
            tg.request.path_info,
            dict(tg.request.params),
        ]


class SocketIO(SocketIOController):
    lab = Lab

    def _before(self, *args: Any, **kwargs: Any) -> None:
        ran.append("_before")

    def _after(self, *args: Any, **kwargs: Any) -> None:
        ran.append("_after")

    def _visit(self, *args: Any, **kwargs: Any) -> None:
        ran.append("_visit")


class RootController(TGController):
    socketio = SocketIO()

    @expose(content_type="text/plain")
    def flashed(self) -> str:
        return tg.flash.pop_payload().get("message", "") or "nothing"

    @expose(content_type="text/plain")
    def recall(self) -> str:
        return str(tg.session.get("colour"))

    @expose(content_type="text/plain")
    def remember(self, colour: str) -> str:
        tg.session["colour"] = colour
        tg.session.save()
        return colour


class Globals:
    greeting = "hello"


class Middleware:
    """A WSGI middleware, as TurboGears and applications have around the pages."""

    def __init__(self, application: Callable[..., Any]) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        ran.append("middleware")
        environ["middleware"] = "was here"
        return self._application(environ, start_response)


def make_app(**options: Any) -> Any:
    configurator = FullStackApplicationConfigurator()
    configurator.update_blueprint(
        {
            "root_controller": RootController(),
            "app_globals": Globals,
            "answer": 42,
            "renderers": list(ENGINES),
            "default_renderer": "kajiki",
            "serve_static": False,
            **options,
        }
    )
    return Middleware(configurator.make_wsgi_app({}, {}))


@pytest.fixture
def live(serve: Callable[..., Live]) -> Live:
    application = make_app()
    ran.clear()
    return serve(application=application, resource="socketio")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def client(live: Live) -> Any:
    made = live.client()
    made.join("/lab")
    return made


def test_urls(live: Live, client: Any) -> None:
    assert client.call("/lab", "url") == [["/page?a=1", "/page", live.origin]]


@pytest.mark.parametrize("engine", ENGINES)
def test_templates_are_rendered(client: Any, engine: str) -> None:
    if find_spec(ENGINES[engine]) is None:
        pytest.skip(f"not installed: {engine}")
    rendered = '{"content": "x"}' if engine == "json" else "<p>x, /page</p>"
    assert client.call("/lab", "render", engine) == [rendered]


def test_a_flash_is_a_cookie_and_reaches_no_page(live: Live, client: Any) -> None:
    assert client.call("/lab", "flash") == ["saved"]
    assert live.http().get("/flashed").body == b"nothing"


def test_a_cookie_of_the_response_reaches_nobody(client: Any) -> None:
    assert client.call("/lab", "set_cookie") == [None]


def test_type_hints_are_validators(client: Any) -> None:
    assert client.call("/lab", "hinted", "3", "yes") == [[3, True]]
    assert client.call("/lab", "hinted", 4) == [[4, False]]
    client.emit("/lab", "hinted", "three")
    told = {"number": "Invalid"}
    assert client.event("/lab") == ["error", "invalid_method_args", told]


def test_expose_renders_nothing_and_changes_nothing(client: Any) -> None:
    assert client.call("/lab", "exposed") == [{"number": 1}]
    assert client.call("/lab", "exposed_with_a_template") == [{"content": "x"}]
    assert not [each for each in ran if each.endswith("render")]


def test_the_globals_are_those_of_a_page(client: Any) -> None:
    expected = ["here", 42, "hello", "GET", "/socketio/", {}]
    [answer] = client.call("/lab", "globals")
    assert answer[:5] == expected[:5]


def test_before_runs_when_a_connection_is_opened_and_not_for_its_events(
    client: Any,
) -> None:
    assert [each for each in ran if each != "middleware"] == [
        "_visit",
        "_before",
        "_after",
    ]
    ran.clear()
    client.call("/lab", "url")
    assert ran == []


def test_an_event_passes_no_middleware_and_keeps_what_it_left_in_the_environ(
    client: Any,
) -> None:
    assert ran.count("middleware") == 1
    client.call("/lab", "globals")
    assert ran.count("middleware") == 1


def test_a_decorator_about_the_url_sees_that_of_the_handshake(
    live: Live, client: Any
) -> None:
    client.emit("/lab", "https")
    name, error, url = client.event("/lab")
    assert (name, error) == ("error", "redirect")
    assert url.startswith(f"{live.origin.replace('http:', 'https:')}/socketio/")


def test_decorators_about_rendering_have_no_effect(client: Any) -> None:
    assert client.call("/lab", "paginated") == [{"items": list(range(30))}]
    assert client.call("/lab", "decoded", {"a": 1}) == [{"a": 1}]


@pytest.mark.parametrize("kind", ["memory", "file", "ext:database", "ext:redis"])
def test_a_session_on_the_server_is_read_and_saved(
    serve: Callable[..., Live], tmp_path: Path, redis: RedisServer, kind: str
) -> None:
    urls = {"ext:database": f"sqlite:///{tmp_path}/sessions", "ext:redis": redis.url}
    options = {
        "session.enabled": True,
        "session.type": kind,
        "session.key": "sid",
        "session.data_dir": str(tmp_path),
        "session.url": urls.get(kind),
    }
    live = serve(application=make_app(**options), resource="socketio")
    begun = live.http().get("/remember?colour=blue")
    cookie = {"Cookie": begun.headers["Set-Cookie"].split(";")[0]}
    client = live.websocket_5(headers=cookie)
    client.join("/lab")
    assert client.call("/lab", "recall") == ["blue"]
    client.call("/lab", "remember", "red")
    assert live.http().get("/recall", cookie).text == "red"
