"""Transactions of events, with TurboGears' manager and without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
import tg
import transaction
from gevent.event import Event
from tg import MinimalApplicationConfigurator, TGController, expose
from tg.appwrappers.transaction_manager import TransactionApplicationWrapper
from transaction.interfaces import TransientError

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.concurrency.interruption import Interrupted
from tgext.socketio.engine.namespaces.acks import AckTimeout
from tgext.socketio.request.transactions import on_commit

notes: list[Any] = []

#: Exceptions that are not an `Exception`.
RAISED = {
    "SystemExit": SystemExit(1),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "GreenletExit": gevent.GreenletExit(),
    "GeneratorExit": GeneratorExit(),
    "Timeout": gevent.Timeout(1),
}


class Lab(SocketIOTGNamespace):
    attempts = 0

    def tell(self):
        self.emit("at once")
        self.emit_on_commit("on commit", {"a": 1})

    def on_write(self):
        self.tell()
        return "done"

    def on_fail(self):
        self.tell()
        raise RuntimeError

    def on_raise(self, name):
        self.tell()
        transaction.get().addAfterAbortHook(notes.append, (f"{name} undone",))
        if name == "Interrupted":
            gevent.getcurrent().kill(Interrupted)
        raise RAISED[name]

    def on_wait(self):
        self.tell()
        transaction.get().addAfterAbortHook(notes.append, ("waiting undone",))
        notes.append("waits")
        Event().wait()

    def on_answer_wrongly(self):
        self.tell()
        return object()

    def on_doom(self):
        self.tell()
        transaction.doom()

    def on_abort(self):
        self.tell()
        tg.abort(400, "No")

    def on_retry(self):
        type(self).attempts += 1
        self.tell()
        if self.attempts < 3:
            raise TransientError
        return self.attempts

    def on_later(self):
        told = [1]
        self.emit_on_commit("on commit", told)
        told.append(2)

    def on_ask(self):
        self.emit_on_commit("question", callback=self.answered, timeout=60)

    def on_ask_by_a_name_of_theirs(self):
        self.emit_on_commit("connect", callback=self.answered, timeout=0.01)

    def answered(self, answer):
        self.emit("answered", not isinstance(answer, AckTimeout) and answer)

    def on_wrong(self):
        with pytest.raises(TypeError):
            self.emit_on_commit("on commit", object())
        with pytest.raises(ValueError, match="timeout needs a callback"):
            self.emit_on_commit("on commit", timeout=1)
        return "told"

    def on_look(self):
        environ = tg.request.environ
        on_commit(lambda: self.emit("seen", tg.request.environ is environ))

    def on_job(self):
        self.spawn(self.tell)

    def recv_connect(self):
        self.emit_on_commit("welcome")

    def recv_disconnect(self):
        on_commit(notes.append, "left")
        self.disconnect(silent=True)


class SocketIO(SocketIOController):
    lab = Lab


class RootController(TGController):
    socketio = SocketIO()

    @expose()
    def page(self, fails: str = "") -> str:
        on_commit(notes.append, "page")
        if fails:
            tg.abort(500)
        return "a page"


@pytest.fixture(params=[True, False], ids=["manager", "no-manager"])
def managed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def live(
    serve: Callable[..., Live], managed: bool, monkeypatch: pytest.MonkeyPatch
) -> Live:
    monkeypatch.setattr(Lab, "attempts", 0)
    notes.clear()
    configurator = MinimalApplicationConfigurator()
    configurator.register_application_wrapper(TransactionApplicationWrapper)
    options = {"tm.enabled": managed, "tm.attempts": 3, "tm.commit_veto": veto}
    configurator.update_blueprint({"root_controller": RootController(), **options})
    application = configurator.make_wsgi_app({}, {})
    return serve(application=application, resource="socketio", shutdown_timeout=0.1)


def veto(environ: Any, status: str, headers: Any) -> bool:
    """The veto of full-stack applications: an error status rolls back."""
    return status.startswith(("4", "5"))


@pytest.fixture
def client(live: Live) -> Any:
    made = live.websocket_5()
    made.join("/lab")
    assert made.event("/lab") == ["welcome"]
    return made


def events_until_ack(client: Any, event: str) -> list[Any]:
    client.emit("/lab", event, number=9)
    told = []
    while (packet := client.read())["type"] != "ack":
        told.append([packet["name"], *packet["args"]])
    return [*told, *packet["args"]]


COMMITTED = ["on commit", {"a": 1}]


def test_what_waits_for_the_commit_leaves_after_it(client: Any) -> None:
    assert events_until_ack(client, "write") == [["at once"], COMMITTED, "done"]


def test_what_waits_for_the_commit_of_what_failed_never_leaves(client: Any) -> None:
    client.emit("/lab", "fail")
    assert client.event("/lab") == ["at once"]
    assert client.event("/lab")[:2] == ["error", "internal_error"]
    assert events_until_ack(client, "write") == [["at once"], COMMITTED, "done"]


@pytest.mark.parametrize("managed", [True], indirect=True)
@pytest.mark.parametrize("name", RAISED)
def test_whatever_is_raised_ends_the_transaction(client: Any, name: str) -> None:
    client.emit("/lab", "raise", name)
    assert client.event("/lab") == ["at once"]
    assert client.event("/lab")[:2] == ["error", "internal_error"]
    assert notes == [f"{name} undone"]
    assert events_until_ack(client, "write") == [["at once"], COMMITTED, "done"]


@pytest.mark.parametrize("managed", [True], indirect=True)
def test_an_interrupted_event_is_undone(client: Any) -> None:
    client.emit("/lab", "raise", "Interrupted")
    wait_for(lambda: notes, "the end of the transaction")
    assert notes[0] == "Interrupted undone"


@pytest.mark.parametrize("managed", [True], indirect=True)
def test_what_a_client_that_has_gone_began_is_undone(live: Live, client: Any) -> None:
    """Its handler never ends, and is interrupted after ``shutdown_timeout``."""
    client.emit("/lab", "wait")
    wait_for(lambda: notes, "the handler waits")
    live.socket(client).kill()
    wait_for(lambda: "waiting undone" in notes, "the end of the transaction")
    assert live.server.hub.registry.interrupted == 1
    assert notes == ["waits", "left", "waiting undone"]


def test_an_ack_that_cannot_be_written_undoes_the_event(client: Any) -> None:
    client.emit("/lab", "answer_wrongly", number=9)
    assert client.event("/lab") == ["at once"]
    client.failure("/lab", "internal_error", "Internal server error")
    assert events_until_ack(client, "write") == [["at once"], COMMITTED, "done"]


@pytest.mark.parametrize("managed", [True], indirect=True)
def test_what_waits_for_a_vetoed_transaction_never_leaves(client: Any) -> None:
    client.emit("/lab", "abort")
    assert client.event("/lab") == ["at once"]
    assert client.event("/lab") == ["error", "400", "No"]
    assert events_until_ack(client, "write") == [["at once"], COMMITTED, "done"]


@pytest.mark.parametrize("managed", [True], indirect=True)
def test_what_waits_for_a_doomed_transaction_never_leaves(client: Any) -> None:
    assert events_until_ack(client, "doom") == [["at once"], None]


@pytest.mark.parametrize("managed", [True], indirect=True)
def test_an_error_that_may_pass_is_tried_again(client: Any) -> None:
    three = [["at once"]] * 3
    assert events_until_ack(client, "retry") == [*three, COMMITTED, 3]


def test_the_given_bytes_leave_unchanged(client: Any) -> None:
    assert events_until_ack(client, "later") == [["on commit", [1]], None]


def test_an_ack_may_be_asked_for(live: Live, client: Any) -> None:
    client.emit("/lab", "ask")
    assert client.read()["name"] == "question"
    number = next(iter(live.socket(client).ack_callbacks))
    client.ack("/lab", number, "yes")
    assert client.event("/lab") == ["answered", "yes"]
    assert live.socket(client).ack_callbacks == {}


def test_an_ack_of_an_event_that_is_not_sent_is_too_late(
    live: Live, client: Any
) -> None:
    """Clients have an event ``connect`` of their own; ``emit`` answers so, too."""
    client.emit("/lab", "ask by a name of theirs")
    assert client.event("/lab") == ["answered", False]
    assert live.socket(client).ack_callbacks == {}


def test_an_event_that_cannot_be_sent_raises_at_once(client: Any) -> None:
    assert events_until_ack(client, "wrong") == ["told"]


def test_what_waits_is_called_in_the_context_of_the_event(client: Any) -> None:
    assert events_until_ack(client, "look") == [["seen", True], None]


def test_outside_of_events_it_leaves_at_once(client: Any) -> None:
    client.emit("/lab", "job")
    assert client.event("/lab") == ["at once"]
    assert client.event("/lab") == COMMITTED


def test_leaving_has_a_transaction_too(live: Live, client: Any) -> None:
    live.socket(client).kill()
    wait_for(lambda: notes == ["left"], "the commit of the end")


def test_a_page_may_wait_for_its_commit(live: Live, managed: bool) -> None:
    http = live.http()
    assert http.get("/page").text == "a page"
    assert notes == ["page"]
    assert http.get("/page?fails=1").status == 500
    assert notes == (["page"] if managed else ["page", "page"])
