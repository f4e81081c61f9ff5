"""Exceptions of an application's code, in every place where it is called."""

from __future__ import annotations

import ast
import asyncio
import builtins
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import GreenletExit

import tgext.socketio.engine
from tgext.socketio.engine.concurrency.interruption import Interrupted
from tgext.socketio.engine.namespace import BaseNamespace

from ..clients import Http, wait_for
from ..conftest import Serve, manage

#: Since Python 3.11.
GROUP: Any = getattr(builtins, "BaseExceptionGroup", lambda text, of: BaseException(of))


class Own(BaseException):
    pass


RAISED: list[Callable[[], BaseException]] = [
    lambda: RuntimeError("a secret"),
    lambda: SystemExit(0),
    lambda: SystemExit("a secret"),
    lambda: KeyboardInterrupt(),
    lambda: SystemError("a secret"),
    lambda: GreenletExit(),
    lambda: GeneratorExit(),
    lambda: StopIteration(),
    lambda: asyncio.CancelledError(),
    lambda: gevent.Timeout(3),
    lambda: MemoryError(),
    lambda: RecursionError(),
    lambda: Own("a secret"),
    lambda: GROUP("a secret", [SystemExit(3), KeyboardInterrupt()]),
]


@pytest.fixture(params=RAISED, ids=lambda make: type(make()).__name__)
def make(request: pytest.FixtureRequest) -> Callable[[], BaseException]:
    result: Callable[[], BaseException] = request.param
    return result


def logged(caplog: pytest.LogCaptureFixture, error: BaseException) -> bool:
    """Whether a traceback of such an error is in the log."""
    return any(
        record.levelno == logging.ERROR and type(error).__name__ in caplog.text
        for record in caplog.records
        if record.exc_info
    )


def talker(make: Callable[[], BaseException]) -> type[BaseNamespace]:
    class Talker(BaseNamespace):
        def on_fail(self) -> None:
            raise make()

        def on_ask(self) -> None:
            def answered(value: Any) -> None:
                raise make()

            self.emit("question", callback=answered)

        def on_wait(self) -> None:
            self.emit("question", callback=self.timed_out, timeout=0.05)

        def timed_out(self, value: Any) -> None:
            self.emit("waited")
            raise make()

        def on_work(self) -> None:
            self.spawn(self.job)

        def job(self) -> None:
            self.emit("works")
            raise make()

        def on_echo(self, value: Any) -> Any:
            return value

    return Talker


def test_a_handler_may_raise_anything(
    serve: Serve,
    kind: str,
    make: Callable[[], BaseException],
    caplog: pytest.LogCaptureFixture,
) -> None:
    live = serve({"/chat": talker(make)})
    client, other = live.joined(kind), live.joined(kind)
    client.emit("/chat", "fail")
    failed = ["error", "internal_error", "Internal server error"]
    assert client.event("/chat") == failed
    assert logged(caplog, make())
    assert client.call("/chat", "echo", 1) == [1]
    assert other.call("/chat", "echo", 2) == [2]


def test_a_callback_may_raise_anything(
    serve: Serve,
    kind: str,
    make: Callable[[], BaseException],
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = serve({"/chat": talker(make)}).joined(kind)
    client.emit("/chat", "ask")
    client.ack("/chat", client.read()["id"], "yes")
    assert client.event("/chat")[:2] == ["error", "internal_error"]
    assert logged(caplog, make())
    client.emit("/chat", "wait")
    assert client.event("/chat") == ["question"]
    assert client.event("/chat") == ["waited"]
    assert client.call("/chat", "echo", 1) == [1]


def test_a_job_may_raise_anything(
    serve: Serve,
    kind: str,
    make: Callable[[], BaseException],
    caplog: pytest.LogCaptureFixture,
) -> None:
    # gevent writes nothing, and does not end the process: see `unhandled`.
    live = serve({"/chat": talker(make)})
    client, other = live.joined(kind), live.joined(kind)
    client.emit("/chat", "work")
    assert client.event("/chat") == ["works"]
    assert client.call("/chat", "echo", 1) == [1]
    assert other.call("/chat", "echo", 2) == [2]
    assert logged(caplog, make()) == (type(make()) is not GreenletExit)


def test_a_job_tells_what_it_raised(
    serve: Serve, make: Callable[[], BaseException]
) -> None:
    error = make()

    def job(fails: bool) -> str:
        if fails:
            raise error
        return "done"

    live = serve({"/chat": talker(make)})
    client = live.client()
    client.join("/chat")
    namespace = live.socket(client)["/chat"]
    told: list[Any] = []
    failed, done = namespace.spawn(job, True), namespace.spawn(job, False)
    for each in (failed, done):
        each.link_exception(lambda job: told.append(job.exception))
    gevent.joinall([failed, done])
    gevent.sleep(0)
    assert (done.get(), done.value, done.exception) == ("done", "done", None)
    assert done.successful()
    assert not done.exc_info
    if isinstance(error, GreenletExit):
        assert failed.get() is failed.value is error
        assert told == []
        return
    with pytest.raises(type(error)) as raised:
        failed.get()
    assert raised.value is failed.exception is error
    assert told == [error]
    assert failed.value is None
    assert not failed.successful()
    assert failed.exc_info[:2] == (type(error), error)
    with pytest.raises(type(error)):
        gevent.joinall([failed], raise_error=True)
    assert namespace.jobs == []


@pytest.mark.parametrize("step", ["__init__", "initialize", "recv_connect"])
def test_a_client_is_refused_by_anything(
    serve: Serve,
    kind: str,
    make: Callable[[], BaseException],
    caplog: pytest.LogCaptureFixture,
    step: str,
) -> None:
    def fail(self: Any, *args: Any, **kwargs: Any) -> None:
        raise make()

    failing: type[BaseNamespace] = type("Failing", (BaseNamespace,), {step: fail})
    live = serve({"/chat": failing, "/game": talker(make)})
    client = live.client(kind)
    client.send(client.dialect.connect("/chat"))
    while client.read()["type"] == "connect":
        assert step == "recv_connect"
    assert logged(caplog, make())
    client.join("/game")
    assert client.call("/game", "echo", 1) == [1]


def test_the_end_may_raise_anything(
    serve: Serve,
    kind: str,
    make: Callable[[], BaseException],
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Leaving(BaseNamespace):
        def recv_disconnect(self) -> None:
            raise make()

    live = serve({"/chat": Leaving})
    client = live.client(kind)
    client.join("/chat")
    live.socket(client).kill()
    assert live.server.sockets == {}
    assert live.server.rooms.members("/chat") == []
    assert logged(caplog, make())


def test_what_reads_json_may_raise_anything(
    serve: Serve, kind: str, make: Callable[[], BaseException]
) -> None:
    def loads(text: str) -> Any:
        if "trap" in text:
            raise make()
        return json.loads(text)

    live = serve(application=manage({"/chat": talker(make)}, json_loads=loads))
    client, other = live.joined(kind), live.joined(kind)
    client.emit("/chat", "echo", "trap")
    # As with any invalid JSON.
    if kind.startswith("0.9"):
        assert client.event("")[:2] == ["error", "invalid_packet"]
        assert client.call("/chat", "echo", 1) == [1]
    else:
        wait_for(lambda: len(live.server.sockets) == 1, "the connection ends")
    assert other.call("/chat", "echo", 2) == [2]


def test_a_page_may_raise_anything(
    serve: Serve,
    make: Callable[[], BaseException],
    caplog: pytest.LogCaptureFixture,
) -> None:
    accepts = manage({"/chat": talker(make)})

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/fail":
            raise make()
        return accepts(environ, start_response)

    live = serve(application=application)
    other = live.client("4-websocket")
    other.join("/chat")
    reply = Http(live.port).get("/fail?secret=1")
    assert reply.status == 500
    assert logged(caplog, make())
    assert "GET /fail failed" in caplog.text
    assert Http(live.port).get("/").status == 200
    assert other.call("/chat", "echo", 1) == [1]


def test_a_handshake_may_raise_anything(
    serve: Serve,
    kind: str,
    make: Callable[[], BaseException],
    caplog: pytest.LogCaptureFixture,
) -> None:
    accepts = manage({"/chat": talker(make)})
    failing = [True]

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if failing:
            failing.clear()
            raise make()
        return accepts(environ, start_response)

    live = serve(application=application)
    handshake = {"0": "1/?", "2": "?EIO=3", "4": "?EIO=4"}[kind[0]]
    target = f"/socket.io/{handshake}&transport=polling"
    assert Http(live.port).get(target).status == 500
    assert logged(caplog, make())
    client = live.client(kind)
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]


# Acks that tell a failure


class Asked(BaseNamespace):
    def get_initial_acl(self) -> set[str]:
        return {"recv_connect", "on_one", "on_none", "on_raise", "on_gone", "on_own"}

    def on_one(self, one: Any) -> Any:
        return one

    def on_none(self) -> None:
        pass

    def on_raise(self) -> None:
        raise RuntimeError("a secret")

    def on_own(self) -> None:
        # An application's own error is not a refusal.
        self.error("own", "error")


DENIED = 'You do not have access to method "on_secret"'

FAILED_EVENTS: list[tuple[str, list[Any], str, str]] = [
    ("raise", [], "internal_error", "Internal server error"),
    ("gone", [], "no_such_method", 'The method "on_gone" was not found'),
    ("one", [], "invalid_method_args", 'on_one misses "one"'),
    ("secret", [], "method_access_denied", DENIED),
    (
        "no-name",
        [],
        "unallowed_event_name",
        "name must only contains alpha numerical characters",
    ),
]


@pytest.mark.parametrize(("event", "args", "name", "info"), FAILED_EVENTS)
def test_the_ack_of_an_event_that_failed_says_so(
    serve: Serve, kind: str, event: str, args: list[Any], name: str, info: str
) -> None:
    client = serve({"/chat": Asked}).client(kind)
    client.join("/chat")
    client.emit("/chat", event, *args, number=7)
    client.failure("/chat", name, info)
    # Without an ack, there is the error alone.
    client.emit("/chat", event, *args)
    assert client.event("/chat") == ["error", name, info]
    # Other events are answered as usual.
    assert client.call("/chat", "none") == [None]
    assert client.call("/chat", "one", 1) == [1]


def test_the_ack_of_an_event_for_no_namespace_says_so(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Asked}).client(kind)
    client.join("/chat")
    client.emit("/game", "one", 1, number=7)
    info = "The endpoint you tried to connect to doesn't exist: /game"
    client.failure("/game", "no_such_namespace", info)


def test_an_error_of_the_application_is_no_failure(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Asked}).client(kind)
    client.join("/chat")
    client.emit("/chat", "own", number=7)
    assert client.event("/chat") == ["error", "own", "error"]
    assert client.read()["args"] == [None]


def test_an_override_may_answer_what_was_refused(serve: Serve, kind: str) -> None:
    class Own(Asked):
        def call_method_with_acl(self, name: str, packet: Any, *args: Any) -> Any:
            answer = super().call_method_with_acl(name, packet, *args)
            return "refused" if answer is None else answer

    client = serve({"/chat": Own}).client(kind)
    client.join("/chat")
    client.emit("/chat", "gone", number=7)
    assert client.event("/chat")[:2] == ["error", "no_such_method"]
    assert client.read()["args"] == ["refused"]


def test_an_error_handler_that_fails_leaves_the_ack(serve: Serve, kind: str) -> None:
    def error_handler(*args: Any) -> None:
        raise SystemExit

    application = manage({"/chat": Asked}, error_handler=error_handler)
    client = serve(application=application).client(kind)
    client.join("/chat")
    client.emit("/chat", "raise", number=7)
    assert client.read()["type"] == "ack"
    assert client.call("/chat", "one", 1) == [1]


# What ends a greenlet


def test_an_interruption_passes_a_handler(serve: Serve, kind: str) -> None:
    running: list[Any] = []
    left: list[str] = []

    class Waiting(BaseNamespace):
        def on_wait(self) -> None:
            running.append(gevent.getcurrent())
            try:
                gevent.sleep(60)
            except GreenletExit:
                left.append("interrupted")
                raise

    live = serve({"/chat": Waiting})
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "wait")
    wait_for(lambda: running, "the handler")
    socket = live.socket(client)
    running[0].kill(Interrupted)
    assert left == ["interrupted"]
    socket.kill()


def test_a_job_that_ends_its_namespace_is_no_failure(
    serve: Serve, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    begun: list[Any] = []

    class Leaving(BaseNamespace):
        def on_leave(self) -> None:
            self.spawn(self.job)

        def job(self) -> None:
            begun.append(gevent.getcurrent())
            self.disconnect()
            gevent.sleep(60)

        def recv_disconnect(self) -> None:
            gevent.sleep(0.01)  # meanwhile it is ended

    live = serve({"/chat": Leaving})
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "leave")
    wait_for(lambda: begun, "the job")
    live.socket(client).kill()
    begun[0].join(5)
    assert begun[0].dead
    assert not [each for each in caplog.records if each.exc_info]


# The whole package


def clauses(tree: ast.AST) -> Iterator[list[ast.ExceptHandler]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            yield node.handlers


def test_an_interruption_passes_wherever_failures_are_caught() -> None:
    seen = 0
    for path in Path(tgext.socketio.engine.__file__).parent.parent.rglob("*.py"):
        for handlers in clauses(ast.parse(path.read_text())):
            caught = [ast.unparse(each.type) if each.type else "" for each in handlers]
            assert "" not in caught, path
            if "FAILURES" in caught and path.stem != "heartbeat":
                before = caught[: caught.index("FAILURES")]
                assert any("Interrupted" in each for each in before), path
                seen += 1
    assert seen > 5
