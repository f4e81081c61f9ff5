"""Log lines that contain what clients choose."""

from __future__ import annotations

import builtins
import logging
import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tgext.socketio.engine
from tgext.socketio.engine.logs import (
    ARGUMENT,
    AT_ONCE,
    CONTINUED,
    HEAD,
    MESSAGE,
    PER_SECOND,
    TAIL,
    ErrorStream,
    Line,
    Sparing,
    describe,
    get_logger,
    make_fit,
    shows_info,
)
from tgext.socketio.engine.namespaces.base import BaseNamespace, ConnectionRefused
from tgext.socketio.wire.escape import escape

from .clients import Http, Raw, kinds, wait_for
from .conftest import Live, Serve, manage

NASTY = [
    "x\n2026-01-01 INFO forged",
    "x\r\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe",
    "\ud800",
    "%s %(name)s %n",
    "\\n",
    "x" * 100_000,
]

any_text = st.text(st.characters()) | st.sampled_from(NASTY)


def written(record: logging.LogRecord) -> list[str]:
    """The lines that a handler of the standard library makes of a record."""
    return logging.Formatter("%(levelname)s %(message)s").format(record).split("\n")


class Keeping(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += written(record)


@pytest.fixture(scope="module")
def keeping() -> Iterator[Keeping]:
    handler = Keeping()
    logger = get_logger("tgext.socketio.tested")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@given(
    st.lists(any_text, min_size=1, max_size=4), st.sampled_from(["%s", "%r", "%.9s"])
)
def test_any_arguments_stay_on_one_line(
    keeping: Keeping, args: list[str], how: str
) -> None:
    keeping.lines.clear()
    get_logger("tgext.socketio.tested").error(" ".join([how] * len(args)), *args)
    [line] = keeping.lines
    assert line.isprintable()
    assert len(line) <= 10 + len(args) * (10 * ARGUMENT + 6)


@given(any_text)
def test_a_message_without_arguments_stays_on_one_line(
    keeping: Keeping, text: str
) -> None:
    keeping.lines.clear()
    get_logger("tgext.socketio.tested").error(f"{text}\n")
    [line] = keeping.lines
    assert line.isprintable()
    assert len(line) <= 10 * MESSAGE + 20


@given(any_text, any_text, st.sampled_from(["from", "while", "alone", "note"]))
def test_the_texts_of_exceptions_stay_on_their_lines(
    keeping: Keeping, text: str, other: str, how: str
) -> None:
    keeping.lines.clear()
    try:
        try:
            raise ValueError(other)
        except ValueError as first:
            error = RuntimeError(text)
            if how == "note":
                error.__notes__ = [other]  # type: ignore[attr-defined]
            if how == "while":
                raise error  # noqa: B904
            raise error from (first if how == "from" else None)
    except RuntimeError:
        get_logger("tgext.socketio.tested").exception("%s failed", text)
    assert all(line.isprintable() for line in keeping.lines)
    assert f"RuntimeError: {escape(text, MESSAGE)}".rstrip(": ") in "".join(
        line for line in keeping.lines if line.startswith("RuntimeError")
    )
    assert len(keeping.lines) < 40
    assert any("ValueError" in line for line in keeping.lines) == (
        how in ("from", "while")
    )


class Flooded(Keeping):
    """A handler of a logger with a clock of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 1000.0
        self.log = logging.Logger("flooded")
        self.sparing = Sparing(lambda: self.time)
        self.log.addFilter(self.sparing)
        self.log.addFilter(make_fit)
        self.log.addHandler(self)

    def tell(self, number: int) -> None:
        self.log.info("A client sent 100%% of %s", number)


def test_lines_of_one_kind_are_few() -> None:
    flooded = Flooded()
    for number in range(1000):
        flooded.log.info("A client sent %s", number)
        flooded.log.debug("all of these")
        if not number % 100:
            flooded.log.info("another")
    lines = [each for each in flooded.lines if "sent" in each]
    assert lines == [f"INFO A client sent {number}" for number in range(AT_ONCE)]
    assert flooded.lines.count("DEBUG all of these") == 1000
    assert flooded.lines.count("INFO another") == 10


def test_what_was_left_out_is_counted() -> None:
    flooded = Flooded()
    for _ in range(2):
        flooded.lines.clear()
        for number in range(AT_ONCE + 7):
            flooded.tell(number)
        assert len(flooded.lines) == AT_ONCE
        flooded.time += 1.5 / PER_SECOND
        flooded.tell(1)
        more = "INFO A client sent 100% of 1 (and 7 more like this)"
        assert flooded.lines[AT_ONCE:] == [more]
        flooded.tell(1)
        assert len(flooded.lines) == AT_ONCE + 1
        flooded.time += 10 * AT_ONCE / PER_SECOND
        flooded.tell(1)
        assert "1 more" in flooded.lines.pop()
        flooded.time += 10 * AT_ONCE / PER_SECOND


def test_a_line_that_is_left_out_need_not_be_made() -> None:
    """It is counted, and others are not left out for it."""
    flooded = Flooded()
    line = Line(flooded.log, flooded.sparing)
    made: list[str] = []

    def tell(text: str) -> None:
        if line.is_due():
            made.append(text)
            line.write("A client sent %s", text, extra={"own": text})

    for _ in range(AT_ONCE + 7):
        tell("text")
    assert len(made) == len(flooded.lines) == AT_ONCE
    flooded.tell(1)
    flooded.time += 1.5 / PER_SECOND
    tell("more")
    assert flooded.lines[AT_ONCE:] == [
        "INFO A client sent 100% of 1",
        "INFO A client sent more (and 7 more like this)",
    ]
    silent = Flooded()
    silent.log.setLevel(logging.WARNING)
    assert not Line(silent.log, silent.sparing).is_due()


def test_a_line_is_its_own_kind_whatever_is_logged_meanwhile() -> None:
    """A handler that sends lines over a network lets other greenlets log, too."""
    flooded = Flooded()
    line = Line(flooded.log, flooded.sparing)
    emit = flooded.emit

    def emit_and_more(record: logging.LogRecord) -> None:
        emit(record)
        if record.args == ("a client",):
            for number in range(2 * AT_ONCE):
                flooded.tell(number)

    flooded.emit = emit_and_more  # type: ignore[method-assign]
    for _ in range(3):
        assert line.is_due()
        line.write("%s has come", "a client", extra={})
    assert flooded.lines.count("INFO a client has come") == 3


def test_failures_of_two_places_are_two_kinds() -> None:
    """Many failures of one handler do not hide the failures of others."""
    flooded = Flooded()

    def fail(number: int) -> None:
        if number % 100:
            raise ValueError(number)
        raise ValueError(f"seldom {number}")

    for number in range(1, 1001):
        try:
            fail(number)
        except ValueError:
            flooded.log.exception("It failed")
    seldom = [each for each in flooded.lines if "ValueError: seldom" in each]
    assert len(seldom) == 10
    assert sum(each == "ERROR It failed" for each in flooded.lines) == AT_ONCE + 10


def test_a_client_cannot_fill_the_disk(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(BaseNamespace):
        def on_fail(self) -> None:
            raise ValueError("each time")

    caplog.set_level(logging.INFO)
    live = serve({"/chat": Failing})
    client: Any = live.client("4-websocket")
    client.join("/chat")
    for name in ("fail", "nothing", "not-a-name"):
        client.send(*[client.dialect.event("/chat", name, (), None)] * 1000)
    client.emit("/chat", "fail", number=1)
    while client.read()["type"] != "ack":
        pass
    # Each of the two kinds, tracebacks and errors of clients, is limited by itself.
    assert 2 * AT_ONCE <= len(caplog.records) < 2 * AT_ONCE + 200
    client.close()


def fails(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Writes the traceback of its failure, as backlash does for TurboGears."""
    try:
        raise ValueError("x" * 3000 + "\nINFO forged\x1b[2J")
    except ValueError:
        environ["wsgi.errors"].write(traceback.format_exc())
    environ["wsgi.errors"].writelines(["and ", "more", "\n"])
    print("printed", file=environ["wsgi.errors"])
    environ["wsgi.errors"].flush()
    start_response("500 Internal Server Error", [])
    return []


def test_the_traceback_of_a_page_has_lines(serve: Serve) -> None:
    kept = Keeping()
    logger = get_logger("tgext.socketio.engine.server.server")
    logger.addHandler(kept)
    try:
        assert serve(application=fails).http().get("/").status == 500
    finally:
        logger.removeHandler(kept)
    errors = kept.lines
    assert errors[0] == "ERROR Traceback (most recent call last):"
    assert [each for each in errors if each.startswith(CONTINUED + "  File ")]
    assert [each for each in errors if each.startswith(CONTINUED + "ValueError: xxx")]
    assert CONTINUED + "INFO forged\\x1b[2J" in errors
    assert errors.count("ERROR and more") == errors.count("ERROR printed") == 1
    assert "ERROR " not in errors  # of the line feed that `print` adds


def test_a_long_text_is_shown_from_both_ends(keeping: Keeping) -> None:
    text = "\n".join(map(str, range(10_000)))
    keeping.lines.clear()
    ErrorStream(get_logger("tgext.socketio.tested")).write(text)
    assert len(keeping.lines) == HEAD + 1 + TAIL
    assert keeping.lines[0] == "ERROR 0"
    assert keeping.lines[HEAD] == f"{CONTINUED}... (9800 lines are not shown)"
    assert keeping.lines[-1] == f"{CONTINUED}9999"


@given(any_text)
def test_no_text_forges_a_line(text: str) -> None:
    logger = logging.Logger("stream")
    kept = Keeping()
    logger.addHandler(kept)
    logger.addFilter(make_fit)
    ErrorStream(logger).write(text)
    for number, line in enumerate(kept.lines):
        assert line.startswith(CONTINUED if number else "ERROR ")
        assert line.isprintable()


def test_a_group_is_described_whole() -> None:
    group = getattr(builtins, "BaseExceptionGroup", None)
    if group is not None:  # since Python 3.11
        told = describe(group("two\n", [KeyError("a\n"), SystemExit(3)]))
        assert "two\\n" in told
        assert "  KeyError" in told
        assert "  SystemExit: 3" in told


def test_what_has_no_text_is_named() -> None:
    class Wordless(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert "Wordless without a text" in describe(Wordless())


class Odd(Exception):
    """Exceptions with attributes that have another meaning than usual."""


class WithoutNotes(Odd):
    __notes__ = None


class WithoutMembers(Odd):
    exceptions = None


class WithItself(Odd):
    def __init__(self) -> None:
        self.exceptions = [self]


class WithAProperty(Odd):
    @property
    def exceptions(self) -> Any:
        raise SystemExit(3)


class WithAll(Odd):
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class Ending(Odd):
    def __str__(self) -> str:
        raise SystemExit(3)


class Impatient(Odd):
    def __str__(self) -> str:
        raise gevent.Timeout(1)


Forged: type[Odd] = type("x\nforged", (Odd,), {"__module__": "x\nforged"})

ODD = [*Odd.__subclasses__()]


@pytest.mark.parametrize("cls", ODD, ids=range(len(ODD)))
def test_any_exception_can_be_logged(keeping: Keeping, cls: type[Odd]) -> None:
    keeping.lines.clear()
    try:
        raise cls()
    except Odd as error:
        get_logger("tgext.socketio.tested").exception("%s failed", error)
    assert escape(cls.__qualname__) in keeping.lines[-1] or cls is WithItself
    assert all(line.isprintable() for line in keeping.lines)


@pytest.mark.parametrize("how", ["chain", "group"])
def test_a_nested_exception_is_shown_in_part(how: str) -> None:
    group = getattr(builtins, "ExceptionGroup", None)
    error: Exception = ValueError("the first")
    for number in range(900):
        if how == "chain":
            later = ValueError(number)
            later.__context__ = error
        elif group is None:
            return  # since Python 3.11
        else:
            later = group("one", [error, *[KeyError()] * 50])
        error = later
    told = describe(error)
    assert "..." in told
    assert len(told) < 10_000
    assert "the first" not in told


@pytest.mark.parametrize("cls", ODD, ids=range(len(ODD)))
def test_any_exception_is_answered(serve: Serve, kind: str, cls: type[Odd]) -> None:
    class Failing(BaseNamespace):
        def on_fail(self) -> None:
            raise cls()

        def on_echo(self, value: Any) -> Any:
            return value

    client = serve({"/chat": Failing}).client(kind)
    client.join("/chat")
    client.emit("/chat", "fail")
    assert client.event("/chat")[:2] == ["error", "internal_error"]
    assert client.call("/chat", "echo", 1) == [1]


def test_each_logger_of_the_package_is_made_here() -> None:
    package = Path(tgext.socketio.engine.__file__).parent.parent
    # The parent of workers has no clients, and does not import the engine.
    of_parents = {package / "starting.py", *package.glob("workers/*.py")}
    for path in set(package.rglob("*.py")) - of_parents:
        if path.name != "logs.py":
            own = re.search(r"\bgetLogger\(", path.read_text())
            assert not own, f"{path}: take get_logger of engine.logs"


@pytest.mark.parametrize(
    ("level", "handler", "own", "shown"),
    [
        (logging.INFO, logging.NOTSET, False, True),
        (logging.INFO, logging.INFO, True, True),
        (logging.INFO, logging.WARNING, True, False),
        (logging.WARNING, logging.NOTSET, False, False),
        (logging.INFO, None, False, False),
    ],
)
def test_whether_another_package_s_lines_are_shown(
    level: int, handler: int | None, own: bool, shown: bool
) -> None:
    parent, logger = logging.getLogger("theirs"), logging.getLogger("theirs.own")
    parent.propagate = False
    logger.setLevel(level)
    added = logging.NullHandler(logging.NOTSET if handler is None else handler)
    if handler is not None:
        (logger if own else parent).addHandler(added)
    try:
        assert shows_info("theirs.own") is shown
    finally:
        parent.propagate = True  # pytest adds handlers of its own otherwise
        parent.removeHandler(added)
        logger.removeHandler(added)


# A server whose clients choose all they can


class Chatty(BaseNamespace):
    def initialize(self) -> None:
        if "refuse" in self.environ.get("QUERY_STRING", ""):
            raise ConnectionRefused(self.environ["QUERY_STRING"])

    def on_fail(self, text: Any) -> None:
        raise RuntimeError(text)

    def on_work(self, text: Any) -> None:
        self.spawn(self.on_fail, text)

    def on_complain(self, name: Any, info: Any) -> None:
        self.error(name, info)

    def on_echo(self, value: Any) -> Any:
        return value


@pytest.fixture
def live(serve: Serve, caplog: pytest.LogCaptureFixture) -> Live:
    caplog.set_level(logging.DEBUG)

    def fail(environ: dict[str, Any], start_response: Any) -> Any:
        if "fail" in environ["QUERY_STRING"]:
            raise RuntimeError(environ["PATH_INFO"])
        return accepts(environ, start_response)

    accepts = manage({"/chat": Chatty})
    return serve(application=fail)


def check(caplog: pytest.LogCaptureFixture) -> None:
    assert caplog.records
    for record in caplog.records:
        if record.name.startswith("tgext.socketio"):
            for line in written(record):
                assert line.isprintable(), line
                assert len(line) <= 2 * MESSAGE
            assert len(record.getMessage()) <= MESSAGE + 100


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_what_a_client_says_stays_on_one_line(
    live: Live, kind: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    client, other = live.client(kind), live.client(kind)
    client.join("/chat")
    other.join("/chat")
    client.emit("/chat", "fail", text)
    client.emit("/chat", "work", text)
    client.emit("/chat", text)
    client.emit("/chat", "complain", text, {text: [text]})
    client.emit("/chat", "no such thing " + text[:50].replace("\\", ""))
    if "," not in text and ":" not in text and "?" not in text:
        client.emit(f"/{text}".encode("utf-8", "replace").decode(), "echo", 1)
    assert other.call("/chat", "echo", 1) == [1]
    wait_for(lambda: len(caplog.records) > 5, "the log")
    check(caplog)


@pytest.mark.parametrize("text", NASTY[:-1], ids=range(len(NASTY) - 1))
def test_what_a_request_says_stays_on_one_line(
    live: Live, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    raw_text = text.encode("utf-8", "surrogatepass").replace(b"\n", b"\x0b")
    line = raw_text.replace(b"\r", b"\x0c").replace(b" ", b"\x1b")
    quoted = b"".join(b"%%%02X" % each for each in text.encode("utf-8", "replace"))
    for target in (
        b"/" + line,
        b"/" + quoted,
        b"/" + quoted + b"?fail=1",
        b"/socket.io/?EIO=4&transport=" + quoted,
        b"/socket.io/?EIO=" + quoted,
        b"/socket.io/?EIO=4&transport=polling&sid=" + quoted,
        b"/socket.io/?EIO=4&transport=polling&fail=" + quoted,
        b"/socket.io/?EIO=3&transport=polling&j=" + quoted,
        b"/socket.io/1/xhr-polling/" + quoted,
    ):
        for field in (b"Origin: http://", b"Referer: ", b"X-Field: ", b"Upgrade: "):
            raw = Raw(live.port)
            head = b"GET %s HTTP/1.1\r\nHost: here\r\n%s\r\n\r\n"
            raw.send_raw(head % (target, field + line))
            raw.receive_head()
            raw.close()
    assert Http(live.port).get("/").status == 200
    check(caplog)


@pytest.mark.parametrize("kind", kinds("websocket"))
@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_unreadable_input_is_logged_in_one_line(
    live: Live, kind: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    data = text.encode("utf-8", "replace").decode()
    for start in ("", "4", "42", "40", "43", "44/", "45", "451-", "42/x,"):
        client = live.client(kind)
        client.join("/chat")
        client.send(f"{start}{data}")
        client.close()
    check(caplog)
