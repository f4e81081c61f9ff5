"""Messages of a client on their way to the namespace that handles them."""

from __future__ import annotations

import pytest

from ..clients import BINARY_KINDS, DEADLINE, wait_for
from ..conftest import Serve
from ..sample_namespaces import Echo, Holding, fresh
from .failing import Failing


@pytest.mark.parametrize("event", ["fail", "time_out"])
def test_a_handler_that_raises_is_answered_without_details(
    serve: Serve, kind: str, event: str
) -> None:
    client = serve({"/chat": Failing}).client(kind)
    client.join("/chat")
    client.emit("/chat", event)
    assert client.event("/chat") == [
        "error",
        "internal_error",
        "Internal server error",
    ]
    assert client.call("/chat", "echo", 1) == [1]


# The end


def test_what_a_client_still_sends_after_the_end_is_ignored(serve: Serve) -> None:
    class Ending(Echo):
        def on_end(self) -> None:
            self.socket.kill()

        def on_note(self) -> None:
            notes.append("too late")

    notes: list[str] = []
    live = serve({"/chat": Ending})
    for each in BINARY_KINDS:
        client = live.client(each)
        client.join("/chat")
        client.send('42/chat,["end"]', '42/chat,["note"]', "40/chat,")
        wait_for(lambda: not live.server.sockets, "the session ends")
        client.close()
    live.expect_nothing_left()
    assert notes == []


def test_a_disconnect_in_the_middle_of_an_event_lets_it_finish(
    serve: Serve, kind: str
) -> None:
    namespace = fresh(Holding)
    live = serve({"/chat": namespace})
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "hold", number=1)
    assert namespace.entered.wait(DEADLINE)
    socket = live.socket(client)
    socket.kill()
    assert namespace.left == ["server namespace disconnect"]
    assert not socket.connected
    namespace.go_on.set()
