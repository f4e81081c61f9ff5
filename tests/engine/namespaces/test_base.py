"""Namespaces: events, acks, access, refusals, jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine.namespaces.base import BaseNamespace, ConnectionRefused

from ..clients import DEADLINE, KINDS, Dialect1, wait_for
from ..conftest import Serve
from ..sample_namespaces import Chat, Echo, Holding, Witness, fresh

GENERATIONS = ["0.9-websocket", "2-websocket", "4-websocket"]
both_generations = pytest.mark.parametrize("kind", GENERATIONS)


# Events


class Naming(BaseNamespace):
    def on_plain(self) -> str:
        return "plain"

    def on_With_Blanks(self) -> str:
        return "with blanks"

    def on_n0(self) -> str:
        return "number"


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("plain", "plain"),
        ("With Blanks", "with blanks"),
        ("With_Blanks", "with blanks"),
        ("n0", "number"),
    ],
)
def test_an_event_calls_the_method_of_its_name(
    serve: Serve, name: str, answer: str
) -> None:
    client = serve({"/chat": Naming}).client()
    client.join("/chat")
    assert client.call("/chat", name) == [answer]


class Messages(BaseNamespace):
    def recv_message(self, data: Any) -> Any:
        return ["recv_message", data]

    def recv_json(self, data: Any) -> Any:
        return ["recv_json", data]


class OwnMessages(Messages):
    def on_message(self, *args: Any) -> Any:
        return ["on_message", *args]


@pytest.mark.parametrize(
    ("cls", "method"), [(Messages, "recv_message"), (OwnMessages, "on_message")]
)
@both_generations
def test_the_event_message_goes_to_its_handler_or_to_recv_message(
    serve: Serve, kind: str, cls: type[BaseNamespace], method: str
) -> None:
    client = serve({"/chat": cls}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "message", "hello") == [[method, "hello"]]


@pytest.mark.cites("Socket.IO 1, Message 1", "Socket.IO 1, JSON Message 1")
@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("3:1+:/chat:a:b", '6::/chat:1+[["recv_message","a:b"]]'),
        ("3:1:/chat:a", "6::/chat:1"),
        ('4:1+:/chat:{"a":[1]}', '6::/chat:1+[["recv_json",{"a":[1]}]]'),
        ("4:1:/chat:1", "6::/chat:1"),
    ],
)
def test_a_0_9_client_sends_text_and_values(
    serve: Serve, text: str, answer: str
) -> None:
    client = serve({"/chat": Messages}).client("0.9-websocket")
    client.join("/chat")
    client.send(text)
    assert client.receive() == answer


def test_what_a_client_sends_is_acked_as_it_was_by_default(serve: Serve) -> None:
    client = serve({"/chat": Echo}).client("0.9-websocket")
    client.join("/chat")
    client.send("3:1+:/chat:text", "4:2+:/chat:[1]")
    assert client.receive() == '6::/chat:1+["text"]'
    assert client.receive() == "6::/chat:2+[[1]]"


@pytest.mark.cites("Socket.IO 1, Error 1")
def test_a_0_9_client_tells_of_an_error(serve: Serve) -> None:
    class Told(Echo):
        def recv_error(self, packet: Any) -> None:
            self.emit("told", packet)

    client = serve({"/chat": Told}).client("0.9-websocket")
    client.join("/chat")
    client.send("7::/chat:2+0")
    assert client.event("/chat") == [
        "told",
        {
            "type": "error",
            "endpoint": "/chat",
            "reason": "unauthorized",
            "advice": "reconnect",
        },
    ]


def test_an_error_of_a_client_is_ignored_by_default(serve: Serve) -> None:
    client = serve({"/chat": Echo}).client("0.9-websocket")
    client.join("/chat")
    client.send("7::/chat:2+0")
    assert client.call("/chat", "echo", 1) == [1]


def test_a_namespace_can_handle_packets_by_itself(serve: Serve, kind: str) -> None:
    class Own(Echo):
        def process_packet(self, packet: Any) -> Any:
            if packet["type"] == "connect":
                return super().process_packet(packet)
            return packet["type"], packet.get("name")

    client = serve({"/chat": Own}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "any-thing") == ["event", "any-thing"]


def test_a_packet_of_no_known_type_is_handled_by_nobody(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    client = live.client()
    client.join("/chat")
    packet: Any = {"type": "noop", "endpoint": "/chat"}
    assert live.socket(client)["/chat"].process_packet(packet) is None
    assert client.call("/chat", "echo", 1) == [1]


# Acks


class Answering(BaseNamespace):
    def on_value(self) -> Any:
        return {"a": 1}

    def on_list(self) -> Any:
        return [1, 2]

    def on_tuple(self) -> Any:
        return 1, "two", None

    def on_empty_tuple(self) -> Any:
        return ()

    def on_nothing(self) -> None:
        pass

    def on_false(self) -> bool:
        return False


@pytest.mark.cites(
    "Socket.IO 1, ACK 2",
    "Socket.IO 4, ACK 1",
    "Socket.IO 5, Acknowledgement 1",
    "Socket.IO 5, Acknowledgement 2",
)
@pytest.mark.parametrize(
    ("event", "args"),
    [
        ("value", [{"a": 1}]),
        ("list", [[1, 2]]),
        ("tuple", [1, "two", None]),
        ("empty tuple", []),
        ("nothing", [None]),
        ("false", [False]),
    ],
)
@pytest.mark.parametrize("number", [0, 1, 2**53])
def test_what_a_handler_returns_is_the_ack(
    serve: Serve, kind: str, event: str, args: list[Any], number: int
) -> None:
    client = serve({"/chat": Answering}).client(kind)
    client.join("/chat")
    assert client.call("/chat", event, number=number) == args


def test_an_event_without_a_number_is_not_acked(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Answering}).client(kind)
    client.join("/chat")
    client.emit("/chat", "value")
    assert client.call("/chat", "list") == [[1, 2]]


@pytest.mark.cites("Socket.IO 1, ACK 1", "Socket.IO 1, Encoding 2")
@pytest.mark.parametrize("event", ["value", "nothing", "tuple"])
def test_a_0_9_client_that_wants_a_receipt_gets_no_data(
    serve: Serve, event: str
) -> None:
    client = serve({"/chat": Answering}).client("0.9-websocket")
    client.join("/chat")
    client.send(f'5:0:/chat:{{"name":"{event}"}}')
    assert client.receive() == "6::/chat:0"


class Asking(Echo):
    def on_ask(self, *args: Any) -> None:
        self.emit("question", *args, callback=self.answered)

    def on_tell(self, message: str) -> None:
        self.send(message, callback=self.answered)

    def on_tell_value(self, value: Any) -> None:
        self.send(value, json=True, callback=self.answered)

    def answered(self, *args: Any) -> None:
        self.emit("answered", *args)


@pytest.mark.cites("Socket.IO 4, Acknowledgement 2", "Socket.IO 5, Acknowledgement 4")
@pytest.mark.parametrize("args", [[], ["fine"], [1, None, {"a": 2}]])
def test_the_clients_ack_reaches_the_callback(
    serve: Serve, kind: str, args: list[Any]
) -> None:
    client = serve({"/chat": Asking}).client(kind)
    client.join("/chat")
    client.emit("/chat", "ask", "how", "are you?")
    question = client.read()
    assert (question["name"], question["args"]) == ("question", ["how", "are you?"])
    client.ack("/chat", question["id"], *args)
    assert client.event("/chat") == ["answered", *args]
    # Once.
    client.ack("/chat", question["id"], *args)
    assert client.call("/chat", "echo", 1) == [1]


@pytest.mark.parametrize(
    ("kind", "event", "text"),
    [
        ("0.9-websocket", "tell", "3:1:/chat:hi"),
        ("0.9-websocket", "tell_value", '4:1:/chat:"hi"'),
        ("2-websocket", "tell", '42/chat,1["message","hi"]'),
        ("2-websocket", "tell_value", '42/chat,1["message","hi"]'),
        ("4-websocket", "tell", '42/chat,1["message","hi"]'),
        ("4-websocket", "tell_value", '42/chat,1["message","hi"]'),
    ],
)
def test_a_message_can_be_acked_too(
    serve: Serve, kind: str, event: str, text: str
) -> None:
    client = serve({"/chat": Asking}).client(kind)
    client.join("/chat")
    client.emit("/chat", event, "hi")
    assert client.receive() == text
    client.ack("/chat", 1)
    assert client.event("/chat") == ["answered"]


def test_messages_ask_for_no_ack_by_themselves(serve: Serve) -> None:
    class Telling(BaseNamespace):
        def on_tell(self) -> None:
            self.send("text")
            self.send({"a": 1}, json=True)
            self.emit("event")

    live = serve({"/chat": Telling})
    old, new = live.client("0.9-websocket"), live.client("4-websocket")
    for client in (old, new):
        client.join("/chat")
        client.emit("/chat", "tell")
    assert [old.receive() for _ in range(3)] == [
        "3::/chat:text",
        '4::/chat:{"a":1}',
        '5::/chat:{"name":"event"}',
    ]
    assert [new.receive() for _ in range(3)] == [
        '42/chat,["message","text"]',
        '42/chat,["message",{"a":1}]',
        '42/chat,["event"]',
    ]


def test_each_question_has_its_own_number(serve: Serve, kind: str) -> None:
    client = serve({"/chat": Asking}).client(kind)
    client.join("/chat")
    numbers = []
    for _ in range(3):
        client.emit("/chat", "ask")
        numbers.append(client.read()["id"])
    assert len(set(numbers)) == 3
    for number in reversed(numbers):
        client.ack("/chat", number, number)
        assert client.event("/chat") == ["answered", number]


def test_what_is_no_json_is_an_error_of_the_handler(serve: Serve, kind: str) -> None:
    class Careless(BaseNamespace):
        def on_try(self) -> Any:
            with pytest.raises(TypeError):
                self.emit("event", object())
            return "refused"

        def on_return(self) -> Any:
            return object()

    client = serve({"/chat": Careless}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "try") == ["refused"]
    client.emit("/chat", "return", number=1)
    client.failure("/chat", "internal_error", "Internal server error")
    assert client.call("/chat", "try") == ["refused"]


# Access


class Guarded(Echo):
    def get_initial_acl(self) -> set[str]:
        return {"recv_connect", "on_login", "on_echo"}

    def on_login(self) -> None:
        self.add_acl_method("on_secret")

    def on_logout(self) -> None:
        self.reset_acl()

    def on_secret(self) -> str:
        return "sesame"

    def on_lift(self) -> None:
        self.lift_acl_restrictions()


def denied(client: Any, event: str) -> bool:
    client.emit("/chat", event, number=1)
    packet = client.read()
    if packet["type"] == "ack":
        return False
    info = f'You do not have access to method "on_{event}"'
    assert packet["args"] == ["method_access_denied", info]
    # Who waits for an answer gets one.
    old = isinstance(client.dialect, Dialect1)
    failed = {"error": {"name": "method_access_denied", "info": info}}
    assert client.read()["args"] == [None if old else failed]
    return True


def test_a_client_calls_what_the_acl_allows(serve: Serve, kind: str) -> None:
    live = serve({"/chat": Guarded})
    client, other = live.client(kind), live.client(kind)
    for each in (client, other):
        each.join("/chat")
        assert denied(each, "secret")
        # Even that it is there is not told.
        assert denied(each, "unheard")
    client.call("/chat", "login")
    assert not denied(client, "secret")
    assert denied(client, "logout")
    assert denied(other, "secret")
    namespace = live.socket(client)["/chat"]
    namespace.add_acl_method("on_logout")
    client.call("/chat", "logout")
    assert denied(client, "secret")
    namespace.add_acl_method("on_lift")
    client.call("/chat", "lift")
    assert not denied(client, "secret")
    assert namespace.is_method_allowed("on_anything")
    namespace.reset_acl()
    namespace.del_acl_method("on_echo")
    assert denied(client, "echo")


def test_a_method_that_is_not_in_the_acl_cannot_be_forbidden(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    client = live.client()
    client.join("/chat")
    namespace = live.socket(client)["/chat"]
    with pytest.raises(ValueError, match="on_echo"):
        namespace.del_acl_method("on_echo")
    # The first method that is allowed by name is the only one.
    namespace.add_acl_method("on_other")
    assert denied(client, "echo")
    with pytest.raises(KeyError):
        namespace.del_acl_method("on_echo")


def test_the_acl_holds_for_what_is_no_event(serve: Serve) -> None:
    class Mute(Echo):
        def get_initial_acl(self) -> set[str]:
            return {"recv_connect"}

    client = serve({"/chat": Mute}).client("0.9-websocket")
    client.join("/chat")
    for text, method in [
        ("3::/chat:hi", "recv_message"),
        ("4::/chat:1", "recv_json"),
        ("7::/chat:2", "recv_error"),
    ]:
        client.send(text)
        info = f'You do not have access to method "{method}"'
        assert client.event("/chat") == ["error", "method_access_denied", info]


def test_the_end_is_told_whatever_the_acl_says(serve: Serve) -> None:
    ended = Event()

    class Mute(BaseNamespace):
        def get_initial_acl(self) -> set[str]:
            return {"recv_connect"}

        def recv_disconnect(self) -> None:
            ended.set()

    client = serve({"/chat": Mute}).client()
    client.join("/chat")
    client.leave("/chat")
    assert ended.wait(DEADLINE)


def test_a_decorator_catches_what_handlers_and_jobs_raise(
    serve: Serve, kind: str
) -> None:
    class Caught(BaseNamespace):
        def exception_handler_decorator(
            self, function: Callable[..., Any]
        ) -> Callable[..., Any]:
            def wrapper(*args: Any) -> Any:
                try:
                    return function(*args)
                except ZeroDivisionError:
                    self.emit("caught", *args)
                    return "caught"

            return wrapper

        def on_divide(self, one: int, two: int) -> float:
            return one / two

        def on_divide_in_job(self, one: int, two: int) -> Any:
            return self.spawn(lambda one, two: one / two, one, two).get()

    client = serve({"/chat": Caught}).client(kind)
    client.join("/chat")
    assert client.call("/chat", "divide", 1, 2) == [0.5]
    for event in ("divide", "divide in job"):
        client.emit("/chat", event, 1, 0, number=1)
        assert client.event("/chat") == ["caught", 1, 0]
        assert client.read()["args"] == ["caught"]


# Connecting


def test_initialize_is_called_once_for_each_class_that_defines_it(
    serve: Serve, kind: str
) -> None:
    calls: list[str] = []

    class First(BaseNamespace):
        def initialize(self) -> None:
            calls.append("First")

    class Mixin:
        def initialize(self) -> None:
            calls.append("Mixin")

    class Without(First):
        pass

    class Last(Without, Mixin):
        def initialize(self) -> None:
            assert self.ns_name == "/chat"
            calls.append("Last")

        def recv_connect(self) -> None:
            self.emit("calls", calls)

    client = serve({"/chat": Last}).client(kind)
    client.join("/chat")
    assert client.event("/chat") == ["calls", ["Last", "First", "Mixin"]]


def test_what_a_namespace_knows_when_it_is_joined(serve: Serve, kind: str) -> None:
    class Knowing(BaseNamespace):
        def recv_connect(self) -> None:
            known = [
                self.ns_name,
                self.environ["REQUEST_METHOD"],
                self.socket["/chat"] is self,
                "/chat" in self.socket,
                "/other" in self.socket,
                self.session is self.socket.session,
                self.jobs,
                self.allowed_methods,
                self.disconnect_reason,
            ]
            self.emit("known", *known)

    client = serve({"/chat": Knowing}).client(kind)
    client.join("/chat")
    assert client.event("/chat") == [
        "known",
        "/chat",
        "GET",
        True,
        True,
        False,
        True,
        [],
        None,
        None,
    ]


class Authorized(BaseNamespace):
    def authorize_connect(self) -> None:
        if self.auth is not None and self.auth.get("token") != "sesame":
            raise ConnectionRefused("Who are you?", {"token": "wrong"})

    def recv_connect(self) -> None:
        self.emit("welcome", self.auth)


@pytest.mark.cites(
    "Socket.IO 5, Connection to a namespace 1",
    "Socket.IO 5, Connection to a namespace 5",
)
@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("40/chat,", ["welcome", None]),
        ('40/chat,{"token":"sesame"}', ["welcome", {"token": "sesame"}]),
    ],
)
def test_a_4_x_client_says_who_it_is(serve: Serve, text: str, answer: Any) -> None:
    client = serve({"/chat": Authorized}).client()
    client.send(text)
    assert client.read()["type"] == "connect"
    assert client.event("/chat") == answer


def test_a_0_9_client_says_nothing_of_itself(serve: Serve) -> None:
    client = serve({"/chat": Authorized}).client("0.9-websocket")
    client.join("/chat")
    assert client.event("/chat") == ["welcome", None]


def refuse(self: BaseNamespace) -> None:
    raise ConnectionRefused("Who are you?", {"login": "/login"})


def refuse_briefly(self: BaseNamespace) -> None:
    raise ConnectionRefused


def fail(self: BaseNamespace) -> None:
    raise RuntimeError("the password is sesame")


def time_out(self: BaseNamespace) -> None:
    raise gevent.Timeout


@pytest.mark.cites(
    "Socket.IO 1, Connect 2",
    "Socket.IO 1, Error 1",
    "Socket.IO 4, ERROR 1",
    "Socket.IO 4, Non-default namespace 1",
    "Socket.IO 5, Connection to a namespace 2",
    "Socket.IO 5, Difference between v5 and v4 3",
)
@pytest.mark.parametrize("method", ["authorize_connect", "initialize", "recv_connect"])
@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        (refuse, {"message": "Who are you?", "data": {"login": "/login"}}),
        (refuse_briefly, {"message": "Connection refused"}),
        (fail, {"message": "Internal server error"}),
        (time_out, {"message": "Internal server error"}),
    ],
)
def test_a_namespace_refuses_a_client(
    serve: Serve,
    kind: str,
    method: str,
    reason: Callable[[BaseNamespace], None],
    answer: Any,
) -> None:
    calls: list[str] = []

    class Refusing(Echo):
        def recv_connect(self) -> None:
            calls.append("recv_connect")

        def recv_disconnect(self) -> None:
            calls.append("recv_disconnect")

    setattr(Refusing, method, reason)
    live = serve({"/chat": Refusing, "/other": Echo})
    client = live.client(kind)
    client.send(client.dialect.connect("/chat"))
    if kind.startswith("0.9"):
        # The client knows three reasons, of which this is "unauthorized".
        assert client.receive() == "7::/chat:2"
    else:
        if kind.startswith("2"):
            # What clients 1.x and 2.x are told is the data, else the message.
            answer = answer.get("data", answer["message"])
        assert client.read() == {
            "type": "refused",
            "endpoint": "/chat",
            "data": answer,
        }
    # It is not there, and the connection goes on.
    client.emit("/chat", "echo")
    assert client.event("/chat")[:2] == ["error", "no_such_namespace"]
    assert "/chat" not in live.socket(client)
    client.join("/other")
    client.close()
    live.expect_nothing_left()
    assert calls == []


# Refusals in recv_connect


def refusals(kind: str, message: str) -> str:
    """What a client is sent that ``/chat`` refuses with a message."""
    return {
        "0": "7::/chat:2",
        "2": f'44/chat,"{message}"',
        "4": f'44/chat,{{"message":"{message}"}}',
    }[kind[0]]


def test_a_client_that_recv_connect_refuses_sees_nothing_but_the_refusal(
    serve: Serve, kind: str
) -> None:
    jobs: list[gevent.Greenlet[..., Any]] = []
    calls: list[str] = []

    class Refusing(Chat):
        def recv_connect(self) -> None:
            self.join("lobby")
            jobs.append(self.spawn(gevent.sleep, DEADLINE))
            self.emit("welcome", 1)
            self.broadcast_event("came")
            raise ConnectionRefused("Who are you?")

        def recv_disconnect(self) -> None:
            calls.append("recv_disconnect")

    live = serve({"/chat": Refusing, "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert client.receive() == refusals(kind, "Who are you?")
    socket = live.socket(client)
    assert "/chat" not in socket
    rooms = live.server.rooms
    assert rooms.members("/chat") == rooms.members("/chat", "lobby") == []
    wait_for(lambda: jobs[0].dead, "the job ends")
    # The connection goes on.
    assert client.call("/other", "echo", 1) == [1]
    assert calls == []


def test_what_recv_connect_sends_follows_the_connect(serve: Serve, kind: str) -> None:
    class Welcoming(Chat):
        def recv_connect(self) -> None:
            self.emit("welcome", 1)
            self.broadcast_event("came")

    client = serve({"/chat": Welcoming}).client(kind)
    client.join("/chat")
    assert client.event("/chat") == ["welcome", 1]
    assert client.event("/chat") == ["came"]


def test_a_recv_connect_that_asks_its_client_connects_it_first(
    serve: Serve, kind: str
) -> None:
    class Asking(Echo):
        def recv_connect(self) -> None:
            self.emit("before")
            self.emit("after", self.call("question", timeout=2))

    client = serve({"/chat": Asking}).client(kind)
    client.join("/chat")
    assert client.event("/chat") == ["before"]
    question = client.read()
    assert question["name"] == "question"
    client.ack("/chat", question["id"], "fine")
    assert client.event("/chat") == ["after", "fine"]
    assert client.call("/chat", "echo", 1) == [1]


@pytest.mark.parametrize("kind", [each for each in KINDS if each[0] != "4"])
def test_the_main_namespace_may_ask_its_client_when_it_connects(
    serve: Serve, kind: str
) -> None:
    """Clients up to 2.x are in it from the start."""

    class Asking(Echo):
        def recv_connect(self) -> None:
            self.emit("after", self.call("question", timeout=1))

    client = serve({"": Asking}).client(kind)
    question = client.read()
    assert question["name"] == "question"
    client.ack("", question["id"], "fine")
    assert client.event("") == ["after", "fine"]


def test_a_recv_connect_may_leave_again(serve: Serve, kind: str) -> None:
    class Leaving(Echo):
        def recv_connect(self) -> None:
            self.emit("sorry")
            self.disconnect()

    client = serve({"/chat": Leaving, "/other": Echo}).client(kind)
    client.join("/other")
    client.join("/chat")
    assert client.event("/chat") == ["sorry"]
    assert client.read() == {"type": "disconnect", "endpoint": "/chat"}
    assert client.call("/other", "echo", 1) == [1]


def test_a_client_that_recv_connect_throws_out_is_told(serve: Serve, kind: str) -> None:
    """Clients that are not told would connect again and again."""

    class Leaving(Echo):
        def recv_connect(self) -> None:
            self.emit("sorry")
            self.socket.disconnect()

    live = serve({"/chat": Leaving})
    client = live.client(kind)
    client.join("/chat")
    assert client.event("/chat") == ["sorry"]
    assert client.read() == {"type": "disconnect", "endpoint": "/chat"}
    wait_for(lambda: not live.server.sockets, "the session ends")


def test_what_is_for_other_namespaces_is_not_lost_with_a_refusal(
    serve: Serve, kind: str
) -> None:
    namespace = fresh(Holding)

    class Refusing(Echo):
        def recv_connect(self) -> None:
            namespace.entered.set()
            assert namespace.go_on.wait(DEADLINE)
            raise ConnectionRefused("No")

    live = serve({"/chat": Refusing, "/other": Chat})
    client, neighbour = live.client(kind), live.client()
    for each in (client, neighbour):
        each.join("/other")
    client.send(client.dialect.connect("/chat"))
    assert namespace.entered.wait(DEADLINE)
    neighbour.call("/other", "shout to others", 1)
    namespace.go_on.set()
    answers = []
    while not answers or answers[-1] != refusals(kind, "No"):
        answers.append(client.receive())
    events = [client.dialect.read(each) for each in answers[:-1]]
    assert [(each["endpoint"], each["args"]) for each in events] == [("/other", [1])]


def test_a_failing_constructor_refuses_too(serve: Serve, kind: str) -> None:
    class Broken(BaseNamespace):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            raise RuntimeError("the password is sesame")

    client = serve({"/chat": Broken, "/other": Echo}).client(kind)
    client.send(client.dialect.connect("/chat"))
    packet = client.read()
    assert packet["type"] == "refused"
    assert "sesame" not in str(packet)
    client.join("/other")


# Errors


def test_an_error_is_an_event_with_two_arguments(serve: Serve, kind: str) -> None:
    class Complaining(Echo):
        def on_complain(self, quiet: bool) -> None:
            self.error("bad_mood", {"why": "rain"}, msg_id=3, quiet=quiet)

    client = serve({"/chat": Complaining}).client(kind)
    client.join("/chat")
    client.emit("/chat", "complain", False)
    assert client.event("/chat") == ["error", "bad_mood", {"why": "rain"}]
    client.emit("/chat", "complain", True)
    assert client.call("/chat", "echo", 1) == [1]


# Jobs


def test_jobs_are_known_while_they_run(serve: Serve) -> None:
    class Working(BaseNamespace):
        def on_work(self) -> Any:
            job = self.spawn(lambda *args, **kwargs: (args, kwargs), 1, two=2)
            known = [job in self.jobs]
            args, kwargs = job.get()
            gevent.sleep(0)
            return [*known, job in self.jobs, list(args), kwargs]

    client = serve({"/chat": Working}).client()
    client.join("/chat")
    assert client.call("/chat", "work") == [[True, False, [1], {"two": 2}]]


class Jobs(Echo):
    """Whose job says that it was ended."""

    started: Event
    ended: Event

    def on_start(self) -> None:
        self.spawn(self.work)

    def work(self) -> None:
        try:
            self.started.set()
            gevent.sleep(DEADLINE)
        finally:
            self.ended.set()

    def on_end_jobs(self) -> None:
        self.kill_local_jobs()

    def on_disconnect(self) -> None:
        self.disconnect()

    def on_disconnect_in_job(self) -> None:
        self.spawn(self.disconnect)

    def on_disconnect_in_waiting_job(self) -> None:
        self.spawn(self.disconnect_and_wait)

    def disconnect_and_wait(self) -> None:
        self.disconnect()
        # A job that goes on after this is ended where it waits.
        gevent.sleep(DEADLINE)


def jobs() -> type[Jobs]:
    return type("New", (Jobs,), {"started": Event(), "ended": Event()})


@pytest.mark.parametrize(
    "event",
    [
        "end jobs",
        "disconnect",
        "disconnect in job",
        "disconnect in waiting job",
        None,
    ],
)
def test_jobs_end_with_their_namespace(
    serve: Serve, kind: str, event: str | None
) -> None:
    namespace = jobs()
    client = serve({"/chat": namespace}).client(kind)
    client.join("/chat")
    client.emit("/chat", "start")
    assert namespace.started.wait(DEADLINE)
    if event is None:
        client.leave("/chat")
    else:
        client.emit("/chat", event)
    assert namespace.ended.wait(DEADLINE)


def test_a_job_that_fails_harms_nobody(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Echo):
        def on_start(self) -> None:
            self.spawn(self.work)

        def work(self) -> None:
            raise ZeroDivisionError

    live = serve({"/chat": Failing})
    client = live.client()
    client.join("/chat")
    client.emit("/chat", "start")
    wait_for(lambda: "Failing.work failed" in caplog.text, "the job fails")
    assert live.socket(client)["/chat"].jobs == []
    assert client.call("/chat", "echo", 1) == [1]


# Leaving


def test_a_disconnect_packet_handed_to_a_namespace_is_told_once(serve: Serve) -> None:
    """As a test of an application does it, without a connection."""
    namespace = fresh(Witness)
    live = serve({"/chat": namespace, "/other": Echo})
    client = live.client()
    client.join("/other")
    client.join("/chat")
    packet: Any = {"type": "disconnect", "endpoint": "/chat"}
    joined = live.socket(client)["/chat"]
    for _ in range(2):
        joined.process_packet(packet)
    assert len(namespace.left) == 1
    assert "/chat" not in live.socket(client)


class Watching(Echo):
    """Sees each packet, and does with one that its client leaves what ``how`` says."""

    seen: ClassVar[list[Any]] = []
    how: ClassVar[str] = "passes"

    def process_packet(self, packet: Any) -> Any:
        self.seen.append(packet["type"])
        if packet["type"] == "disconnect":
            if self.how == "raises":
                raise KeyError("name")
            if self.how == "takes":
                return None
        return super().process_packet(packet)

    def recv_disconnect(self) -> None:
        self.seen.append(self.disconnect_reason)


@pytest.mark.parametrize("how", ["passes", "takes", "raises"])
def test_an_override_sees_that_its_client_leaves(
    serve: Serve, kind: str, how: str
) -> None:
    watching = fresh(Watching, seen=[], how=how)
    live = serve({"/chat": watching, "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    client.join("/chat")
    client.leave("/chat")
    assert client.call("/other", "echo", 1) == [1]
    # As gevent-socketio does; and recv_disconnect is called whatever it does.
    assert watching.seen[1:] == ["disconnect", "client namespace disconnect"]
    assert "/chat" not in live.socket(client)
    # A connection that ends has no packet that says so.
    client.join("/chat")
    del watching.seen[:]
    live.socket(client).kill(reason="bad manners")
    assert watching.seen == ["bad manners"]


def test_an_end_within_the_end_is_told_once(serve: Serve, kind: str) -> None:
    class Slow(Holding):
        def recv_disconnect(self) -> None:
            self.left.append(self.disconnect_reason)
            self.hold()

    live = serve({"/chat": Slow})
    client = live.client(kind)
    client.join("/chat")
    socket = live.socket(client)
    leaving = gevent.spawn(socket["/chat"].disconnect)
    assert Slow.entered.wait(DEADLINE)
    socket.kill(reason="bad manners")
    Slow.go_on.set()
    leaving.get(timeout=DEADLINE)
    assert Slow.left == ["server namespace disconnect"]


@pytest.mark.cites(
    "Socket.IO 4, DISCONNECT 1", "Socket.IO 5, Disconnection from a namespace 1"
)
def test_the_server_leaves_a_namespace(serve: Serve, kind: str) -> None:
    class Parting(Echo):
        def on_part(self, silent: bool) -> None:
            self.disconnect(silent=silent)
            self.disconnect()  # has no effect

    live = serve({"/chat": Parting, "/other": Echo})
    client = live.client(kind)
    client.join("/other")
    for silent in (False, True):
        client.join("/chat")
        client.emit("/chat", "part", silent)
        if not silent:
            assert client.read() == {"type": "disconnect", "endpoint": "/chat"}
        assert client.call("/other", "echo", 1) == [1]
        client.emit("/chat", "echo")
        assert client.event("/chat")[:2] == ["error", "no_such_namespace"]


# The steps from an event to its method


STEPS = (
    "process_packet",
    "process_event",
    "call_method_with_acl",
    "is_method_allowed",
    "call_method",
)


def noting(step: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def overridden(self: Any, *args: Any) -> Any:
        self.session.setdefault("steps", []).append(step)
        return original(self, *args)

    return overridden


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_is_overridden_is_taken(serve: Serve, step: str) -> None:
    class Usual(BaseNamespace):
        def on_steps(self) -> Any:
            return self.session.get("steps", [])

    override = {step: noting(step, getattr(BaseNamespace, step))}
    own: Any = type("Own", (Usual,), override)
    live = serve({"/usual": Usual, "/own": own})
    client = live.client()
    for name in ("/usual", "/own"):
        client.join(name)
        client.call(name, "steps")  # the second time, the handler is known
    live.socket(client).session.clear()
    assert client.call("/usual", "steps") == [[]]
    assert client.call("/own", "steps") == [[step]]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_may_be_replaced_while_clients_are_there(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Own(BaseNamespace):
        def on_steps(self) -> Any:
            return self.session.get("steps", [])

    client = serve({"/own": Own}).client()
    client.join("/own")
    assert client.call("/own", "steps") == [[]]
    replaced = noting(step, getattr(BaseNamespace, step))
    monkeypatch.setattr(Own, step, replaced)
    assert client.call("/own", "steps") == [[step]]


def test_a_handler_may_be_replaced_while_clients_are_there(serve: Serve) -> None:
    class Own(BaseNamespace):
        def on_one(self) -> int:
            return 1

        def on_other(self, more: int) -> int:
            return more

    live = serve({"/own": Own})
    client = live.client()
    client.join("/own")
    assert client.call("/own", "one") == [1]
    live.socket(client)["/own"].on_one = lambda: 2  # type: ignore[attr-defined]
    assert client.call("/own", "one") == [2]
    del live.socket(client)["/own"].on_one  # type: ignore[attr-defined]
    Own.on_one = Own.on_other  # type: ignore[assignment]
    client.emit("/own", "one")
    assert client.event("/own") == [
        "error",
        "invalid_method_args",
        'on_other misses "more"',
    ]
    del Own.on_one
    client.emit("/own", "one")
    assert client.event("/own")[:2] == ["error", "no_such_method"]


@pytest.mark.parametrize("length", [98, 99, 200])
def test_long_names_of_events_are_events_too(serve: Serve, length: int) -> None:
    name = "e" * length
    own: Any = type("Own", (BaseNamespace,), {f"on_{name}": lambda self: "here"})
    client = serve({"/own": own}).client()
    client.join("/own")
    assert client.call("/own", name) == ["here"]
    assert client.call("/own", name) == ["here"]


def test_no_more_handlers_are_remembered_than_a_class_may_have(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One with `__getattr__` has as many as clients think of names."""

    class Own(BaseNamespace):
        def __getattr__(self, name: str) -> Any:
            if not name.startswith("on_"):
                raise AttributeError(name)
            return lambda: name

    monkeypatch.setattr("tgext.socketio.engine.namespaces.base._MOST_HANDLERS", 5)
    client = serve({"/own": Own}).client()
    client.join("/own")
    for number in range(20):
        assert client.call("/own", f"a{number}") == [f"on_a{number}"]
        assert len(Own._handlers) <= 5
