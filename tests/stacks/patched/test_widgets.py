"""ToscaWidgets 2: forms that events display and validate, with tw2.core, tw2.forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tw2.core as twc
import tw2.forms as twf
from tg import MinimalApplicationConfigurator, TGController, expose, validate
from tg.configurator.base import (
    AppReadyConfigurationAction,
    ConfigReadyConfigurationAction,
    ConfigurationComponent,
)
from tw2.core.middleware import TwMiddleware

from tests.engine import clients
from tests.engine.conftest import Live, greenlets, serve, unhandled
from tgext.socketio import SocketIOController, SocketIOTGNamespace

__all__ = ["greenlets", "serve", "unhandled"]


class OrderForm(twf.Form):
    class child(twf.TableLayout):
        id = None
        name = twf.TextField(validator=twc.Required)
        amount = twf.TextField(validator=twc.IntValidator(min=1))
        remark = twf.TextField()

    action = "/order"


class Orders(SocketIOTGNamespace):
    def on_show(self, name: str) -> str:
        return str(OrderForm.display({"name": name}))

    def on_show_again(self) -> str:
        return str(OrderForm.display())

    def on_link(self) -> str:
        return str(twc.JSLink(link="/there.js").req().display())

    def failed(self, *values: Any) -> str:
        return str(OrderForm.display())

    @validate(OrderForm)
    def on_order(self, name: str, amount: Any, remark: str = "") -> list[Any]:
        return [name, amount]

    @validate(OrderForm, error_handler=failed)
    def on_order_with_form(self, name: str, amount: Any, remark: str = "") -> str:
        return "ordered"


class SocketIO(SocketIOController):
    orders = Orders


class RootController(TGController):
    socketio = SocketIO()

    @expose(content_type="text/html")
    def form(self) -> str:
        return str(OrderForm.display({"name": "of a page"}))


class ToscaWidgets(ConfigurationComponent):
    """tw2 in an application, as tgext.tw2 has it."""

    id = "tw2"

    def get_actions(self) -> Any:
        return (
            ConfigReadyConfigurationAction(self._explain),
            AppReadyConfigurationAction(self._wrap),
        )

    def _explain(self, conf: Any, app: Any) -> None:
        conf["validation.exceptions"].append(twc.ValidationError)
        conf["validation.explode"][twc.ValidationError] = explain

    def _wrap(self, conf: Any, app: Any) -> Any:
        return TwMiddleware(app, default_engine="kajiki", debug=False)


def explain(error: twc.ValidationError) -> dict[str, Any]:
    fields = error.widget.child.children
    return {
        "errors": {each.compound_key: each.error_msg for each in fields},
        "values": error.widget.child.value,
    }


@pytest.fixture
def live(serve: Callable[..., Live], monkeypatch: pytest.MonkeyPatch) -> Live:
    monkeypatch.setattr(clients, "RESOURCE", "/socketio")
    configurator = MinimalApplicationConfigurator()
    configurator.register(ToscaWidgets)
    configurator.update_blueprint({"root_controller": RootController()})
    app = configurator.make_wsgi_app({}, {})
    return serve(application=app, resource="socketio")


@pytest.fixture
def client(live: Live) -> Any:
    made = live.websocket_5()
    made.join("/orders")
    return made


def test_an_event_displays_a_form(client: Any) -> None:
    [html] = client.call("/orders", "show", "Ada")
    assert 'name="name"' in html
    assert 'value="Ada"' in html


def test_a_form_looks_as_on_a_page(live: Live, client: Any) -> None:
    page = live.http().get("/form").body.decode()
    [html] = client.call("/orders", "show", "of a page")
    assert html == page


def test_links_of_resources_are_displayed(client: Any) -> None:
    [html] = client.call("/orders", "link")
    assert "/there.js" in html


def test_values_are_validated(client: Any) -> None:
    assert client.call("/orders", "order", "Ada", "3") == [["Ada", 3]]


def test_only_the_fields_with_an_error_are_told(client: Any) -> None:
    client.emit("/orders", "order", "", "3", number=1)
    client.failure("/orders", "invalid_method_args", {"name": "Enter a value"})


def test_the_error_handler_displays_the_form_with_what_was_sent(client: Any) -> None:
    [html] = client.call("/orders", "order_with_form", "", "7")
    assert "Enter a value" in html
    assert 'value="7"' in html


def test_what_one_event_validated_no_other_one_displays(
    live: Live, client: Any
) -> None:
    client.call("/orders", "order_with_form", "", "7")
    [html] = client.call("/orders", "show_again")
    assert 'value="7"' not in html
    assert "Enter a value" not in html
    assert 'value="7"' not in live.http().get("/form").body.decode()
