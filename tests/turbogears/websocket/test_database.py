"""What the request of a WebSocket has begun in the database ends before its method."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tg import FullStackApplicationConfigurator, TGController, expose, hooks, request
from tg.predicates import Predicate

from tests.engine.conftest import Live, Serve
from tgext.socketio.websocket import websocket

from .conftest import connected

sqlalchemy = pytest.importorskip("sqlalchemy")
orm = pytest.importorskip("sqlalchemy.orm")
zope = pytest.importorskip("zope.sqlalchemy")

#: Connections of the pool: fewer than WebSockets.
POOL_SIZE = 2


class Known(Predicate):
    """Asks the database, as the look-up of a user does."""

    message = "not known"

    def __init__(self, session: Any) -> None:
        super().__init__()
        self.session = session

    def evaluate(self, environ: Any, credentials: Any) -> None:
        if self.session.execute(sqlalchemy.text("SELECT 1")).scalar() != 1:
            self.unmet()


@pytest.fixture(params=["tm", "no tm", "no tm, zope.sqlalchemy"])
def setting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """An engine, its session, and the options of the application."""
    engine = sqlalchemy.create_engine(
        f"sqlite:///{tmp_path}/database",
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=1,
    )
    session = orm.scoped_session(orm.sessionmaker(bind=engine))
    if request.param != "no tm":
        zope.register(session)
    yield SimpleNamespace(
        engine=engine, session=session, options={"tm.enabled": request.param == "tm"}
    )
    engine.dispose()


@pytest.fixture
def live(serve: Serve, setting: Any) -> Live:
    class Members(TGController):
        allow_only = Known(setting.session)

        @expose()
        @websocket
        def echo(self) -> None:
            request.websocket.send(str(setting.engine.pool.checkedout()))
            for message in request.websocket:
                request.websocket.send(message)

        @expose(content_type="text/plain")
        def page(self) -> str:
            return "page"

    class RootController(TGController):
        members = Members()

    configurator = FullStackApplicationConfigurator()
    configurator.update_blueprint(
        {
            "root_controller": RootController(),
            "renderers": ["json"],
            "use_sqlalchemy": True,
            "model": SimpleNamespace(
                init_model=lambda engine: None, DBSession=setting.session
            ),
            "sqlalchemy.url": "sqlite://",
            "i18n.enabled": False,
            **setting.options,
        }
    )
    return serve(application=configurator.make_wsgi_app({}, {}))


def test_a_connection_is_given_back_before_the_method(live: Live, setting: Any) -> None:
    clients = []
    for _ in range(POOL_SIZE + 2):
        client = connected(live, "/members/echo")
        assert client.receive() == "0"
        clients.append(client)
    assert live.http().get("/members/page").body == b"page"
    for each in clients:
        each.send("still here")
        assert each.receive() == "still here"
        each.close()


def test_so_is_what_an_application_closes_itself(live: Live) -> None:
    closed: list[str] = []

    def close() -> None:
        closed.append(request.path)

    hooks.register("socketio.event_over", close)
    try:
        client = connected(live, "/members/echo")
        assert client.receive() == "0"
        assert closed == ["/members/echo"]
        client.close()
    finally:
        hooks.disconnect("socketio.event_over", close)
