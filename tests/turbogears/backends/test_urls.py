"""No error and no log line shows a part of a user name or a password."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.engine.clients import wait_for
from tests.ports import free_port
from tests.redis_server import running_redis
from tests.wire.strategies import examples
from tgext.socketio.backends import BackendError, create_backend
from tgext.socketio.backends.redis import RedisPubSub
from tgext.socketio.backends.urls import (
    UNREADABLE,
    Credentials,
    check_host,
    read_amqp,
)

#: So many characters of a password in a message are a leak.
PIECE = 4

PORT = free_port()

#: Places of a password in a URL, encoded or not.
PLACES = [
    f"redis://user:{{}}@127.0.0.1:{PORT}/0",
    f"redis://:{{}}@127.0.0.1:{PORT}",
    f"redis://{{}}@127.0.0.1:{PORT}",
    f"redis://127.0.0.1:{PORT}/0?password={{}}",
    f"redis://127.0.0.1:{PORT}/{{}}@0",
    f"rediss://user:{{}}@127.0.0.1:{PORT}",
    "redis+sentinel://user:{}@127.0.0.1:1/mymaster",
    "redis+sentinel://127.0.0.1:1,127.0.0.1:2/mymaster?sentinel_password={}",
    "unix://user:{}@/nowhere/redis.sock",
    "redis://:{}",
    "redis//user:{}@127.0.0.1",
    "redis:user:{}@127.0.0.1",
    "user:{}@127.0.0.1",
    "http://user:{}@127.0.0.1",
    "{}://user@127.0.0.1",
]

AMQP_PLACES = [
    "amqp://user:{}@127.0.0.1:5672/vhost",
    "amqps://{}@127.0.0.1",
    "amqp://:{}",
    "http://user:{}@127.0.0.1",
]

#: Without lower-case letters: those of the messages are not parts of a password.
passwords = st.text(
    "ABCDXYZ789@:/?#[]%&=+!$,;\\ \t\"'\u00c9\u2100", min_size=4, max_size=20
)


def told(error: BaseException | None) -> Iterator[str]:
    """The text of an error and its causes in a traceback."""
    while error is not None:
        yield "".join(traceback.format_exception_only(error))
        yield repr(error)
        if error.__cause__ is not None or error.__suppress_context__:
            error = error.__cause__
        else:
            error = error.__context__


def expect_no_piece(secret: str, texts: str) -> None:
    foreign = without_own_words(texts)
    for start in range(len(secret) - PIECE + 1):
        piece = secret[start : start + PIECE]
        assert piece not in foreign, texts


def without_own_words(texts: str) -> str:
    """Texts without what they have with any password: our own words, which have ``%``
    and ``://``, and the addresses of objects.
    """
    texts = re.sub(r" at 0x[0-9a-f]+", "\n", texts)
    for own in (UNREADABLE, UNREADABLE.replace("%", ""), str(PORT)):
        texts = texts.replace(own, "\n")
    return re.sub(r"\b[a-z+]+:// ", "\n", texts)


class Log(logging.Handler):
    """All log lines, of every level."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        if record.exc_info:
            self.lines += told(record.exc_info[1])


@pytest.fixture
def log() -> Iterator[Log]:
    log, root = Log(), logging.getLogger()
    level = root.level
    root.addHandler(log)
    root.setLevel(logging.DEBUG)
    yield log
    root.setLevel(level)
    root.removeHandler(log)


def use(host: str) -> Iterator[str]:
    """The texts of the errors when a backend is made, listened to and published on."""
    try:
        backend: Any = create_backend(
            {
                "anypubsub.backend": "redis",
                "anypubsub.host": host,
                "anypubsub.socket_connect_timeout": "0.5",
            }
        )
    except BackendError as error:
        yield from told(error)
        return
    yield repr(backend)
    yield backend.name
    yield repr(backend.connection_pool)
    with pytest.raises(BackendError) as failure:
        backend.publish("news", "hello")
    yield from told(failure.value)
    try:
        backend.listen("news", print)  # the log says that nobody is there
    except BackendError as error:
        yield from told(error)
    backend.close()


@settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.sampled_from(PLACES), passwords, st.booleans())
@example("redis://:{}", " % %", False)
@example("redis://:{}", "@7777", False)
@example("redis+sentinel://user:{}@127.0.0.1:1/mymaster", "77\u2100\t", True)
@example("http://user:{}@127.0.0.1", ":// ", False)
def test_no_piece_of_a_password_is_shown(
    log: Log, place: str, password: str, encoded: bool
) -> None:
    log.lines.clear()
    host = place.format(quote(password, safe="") if encoded else password)
    texts = "\n".join([*use(host), *log.lines])
    if place.endswith("{}") and not encoded:
        # Errors show the host, which begins after the last "@" (RFC 3986, 3.2).
        password = password.rpartition("@")[0]
    expect_no_piece(password, texts)
    expect_no_piece(quote(password, safe="").replace("%", ""), texts.replace("%", ""))


@given(st.sampled_from(AMQP_PLACES), passwords)
@example("amqp://:{}", " % %")
@example("amqp://:{}", "@7777")
@example("http://user:{}@127.0.0.1", ":// ")
def test_no_piece_of_a_password_of_amqp_is_shown(place: str, password: str) -> None:
    try:
        given = read_amqp(place.format(password))
    except BackendError as error:
        expect_no_piece(password, "".join(told(error)))
    else:
        # The message shows the host, which begins after the last "@" (RFC 3986, 3.2).
        secret = password.rpartition("@")[0] if place.endswith("{}") else password
        expect_no_piece(secret, given["host"])


@given(passwords)
def test_an_encoded_password_is_the_password(password: str) -> None:
    given = read_amqp(f"amqps://user:{quote(password, safe='')}@host:1/a%2Fb")
    assert given == {
        "host": "host:1",
        "ssl": True,
        "userid": "user",
        "password": password,
        "virtual_host": "a/b",
    }
    url = f"redis://user:{quote(password, safe='')}@127.0.0.1:{PORT}/3"
    backend = RedisPubSub(url)
    options = backend.connection_pool.connection_kwargs
    assert (options["username"], options["password"]) == ("user", password)
    assert (options["host"], options["port"], options["db"]) == ("127.0.0.1", PORT, 3)


@pytest.mark.parametrize(("scheme", "port"), [("amqp", 5672), ("amqps", 5671)])
def test_a_port_is_that_of_the_scheme_unless_it_is_said(scheme: str, port: int) -> None:
    assert read_amqp(f"{scheme}://mq.example.org") == {
        "host": f"mq.example.org:{port}",
        "ssl": scheme == "amqps",
    }


@pytest.mark.parametrize(
    "url", ["redis://:pa/ss@host", "redis://:pa#ss@host", "redis://:pa?ss@host:1/2"]
)
def test_the_error_says_what_to_do(url: str) -> None:
    with pytest.raises(BackendError, match=r"anypubsub\.host: .*percent-encode"):
        RedisPubSub(url)


@pytest.mark.parametrize("host", ["::1", "localhost", "127.0.0.1:port", "redis"])
def test_a_host_may_be_no_url(host: str) -> None:
    assert check_host(host, "redis") == host


def test_what_libraries_say_is_told_without_them() -> None:
    credentials = Credentials(["swordfish", "ann", None, 5, "", "ab", "swordfish-2"])
    error = RuntimeError("ann has no right; swordfish-2, swordfish: about")
    assert credentials.hide(error) == "*** has no right; ***, ***: about"
    assert credentials.cause(error) is None
    harmless = RuntimeError("away")
    assert credentials.cause(harmless) is harmless
    assert "swordfish" not in repr(credentials)


def test_a_password_that_is_changed_is_not_told(tmp_path: Path, log: Log) -> None:
    with running_redis(tmp_path, requirepass="SWORDFISH") as server:
        user, password = "MARYANN", "OPENSESAME"
        server.client.acl_setuser(
            user,
            enabled=True,
            passwords=[f"+{password}"],
            commands=["+@all"],
            channels=["news"],
        )
        backend = RedisPubSub(f"redis://{user}:{password}@127.0.0.1:{server.port}")
        heard: list[Any] = []
        backend.listen("news", heard.append)
        texts: list[str] = []
        for call in (
            lambda: backend.publish("secret", "hello"),
            lambda: backend.listen("secret", print),
        ):
            with pytest.raises(BackendError, match="refuses") as refusal:
                call()
            texts += told(refusal.value)
        # A listener that is refused when it reconnects tries again, and logs why.
        server.client.acl_setuser(
            user, enabled=True, reset_passwords=True, passwords=["+ANOTHER"]
        )
        server.client.execute_command("CLIENT", "KILL", "USER", user)
        wait_for(lambda: "is still lost" in "\n".join(log.lines), "that is told")
        with pytest.raises(BackendError) as refusal:
            backend.publish("news", "hello")
        texts += told(refusal.value)
        backend.close()
    for secret in (user, password, "SWORDFISH"):
        expect_no_piece(secret, "\n".join([*texts, *log.lines]))
