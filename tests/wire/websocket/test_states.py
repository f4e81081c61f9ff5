"""The table of the states of a connection (RFC 6455, section 7)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tgext.socketio.wire.errors import FrameError
from tgext.socketio.wire.websocket.close import encode_close
from tgext.socketio.wire.websocket.connection import (
    CLOSE_TIMEOUT,
    PATIENCE,
    Connection,
    Misuse,
)
from tgext.socketio.wire.websocket.frames import CLOSE, PING, PONG, TEXT, encode_frame
from tgext.socketio.wire.websocket.states import (
    READING,
    SENDING,
    TABLE,
    Effect,
    Input,
    State,
)

from .opened import NOW, OURS, made, opened


def act(connection: Connection, what: Input) -> bytes:
    """Pass an input to a connection, and return the bytes to write."""
    doings: dict[Input, Callable[[], bytes | None]] = {
        Input.ESTABLISHED: connection.establish,
        Input.RECEIVED_PING: lambda: connection.control(PING, b"?", NOW),
        Input.RECEIVED_PONG: lambda: connection.control(PONG, b"!", NOW),
        Input.RECEIVED_CLOSE: lambda: connection.control(CLOSE, b"\x0f\xa0bye", NOW),
        Input.RECEIVED_INVALID: lambda: connection.fail(FrameError("wrong"), NOW),
        Input.RECEIVED_END: lambda: connection.end(NOW),
        Input.SEND: lambda: connection.send(TEXT, b"hello"),
        Input.SEND_CLOSE: lambda: connection.close(4001, "enough", NOW),
        Input.CAUGHT_UP: lambda: connection.caught_up(NOW),
        Input.TIMEOUT: lambda: connection.expire(NOW + 2 * PATIENCE),
        Input.DROP: lambda: connection.drop(NOW),
    }
    return doings[what]() or b""


#: How each state is reached.
WAYS: dict[State, tuple[Input, ...]] = {
    State.CONNECTING: (),
    State.OPEN: (Input.ESTABLISHED,),
    State.ANSWERING: (Input.ESTABLISHED, Input.RECEIVED_CLOSE),
    State.FAILING: (Input.ESTABLISHED, Input.RECEIVED_INVALID),
    State.CUT: (Input.ESTABLISHED, Input.RECEIVED_END),
    State.CLOSING: (Input.ESTABLISHED, Input.SEND_CLOSE),
    State.DISCARDING: (
        Input.ESTABLISHED,
        Input.RECEIVED_INVALID,
        Input.CAUGHT_UP,
    ),
    State.FINISHED: (Input.ESTABLISHED, Input.RECEIVED_CLOSE, Input.CAUGHT_UP),
    State.CLOSED: (Input.ESTABLISHED, Input.DROP),
}


def reached(state: State) -> Connection:
    connection = made()
    for what in WAYS[state]:
        act(connection, what)
    assert connection.state is state
    return connection


O, A, F, C = State.OPEN, State.ANSWERING, State.FAILING, State.CUT  # noqa: E741
G, D, N, X = State.CLOSING, State.DISCARDING, State.FINISHED, State.CLOSED

PONGED = encode_frame(PONG, b"?")
SAID = encode_frame(TEXT, b"hello")
THEIRS = encode_frame(CLOSE, b"\x0f\xa0")
WRONG = encode_close(1002, "wrong")

Row = dict[Input, tuple[State, bytes]]


def discards(state: State, **others: tuple[State, bytes]) -> Row:
    """The row of a state in which the peer's input is discarded."""
    late = ("PING", "PONG", "CLOSE", "INVALID")
    row = {Input[f"RECEIVED_{each}"]: (state, b"") for each in late}
    return {**row, **{Input[name]: value for name, value in others.items()}}


def answers(state: State, frame: bytes, after: State) -> Row:
    """The row of a state in which our close frame is due."""
    return discards(
        state,
        RECEIVED_END=(A, b""),
        SEND=(state, SAID),
        SEND_CLOSE=(after, frame),
        CAUGHT_UP=(after, frame),
        TIMEOUT=(after, frame),
        DROP=(X, b""),
    )


def ends(state: State, **others: tuple[State, bytes]) -> Row:
    """The row of a state in which all that has to be sent is sent."""
    return discards(
        state,
        RECEIVED_END=(X, b""),
        SEND_CLOSE=(state, b""),
        CAUGHT_UP=(state, b""),
        DROP=(X, b""),
        **others,
    )


#: For a state and an input: the next state, and what is written to the peer. The table
#: is compared with these rows, which do not use it.
ROWS: dict[State, Row] = {
    State.CONNECTING: {
        Input.ESTABLISHED: (O, b""),
        Input.RECEIVED_END: (X, b""),
        Input.DROP: (X, b""),
    },
    State.OPEN: {
        Input.RECEIVED_PING: (O, PONGED),
        Input.RECEIVED_PONG: (O, b""),
        Input.RECEIVED_CLOSE: (A, b""),
        Input.RECEIVED_INVALID: (F, b""),
        Input.RECEIVED_END: (C, b""),
        Input.SEND: (O, SAID),
        Input.SEND_CLOSE: (G, OURS),
        Input.CAUGHT_UP: (O, b""),
        Input.DROP: (X, b""),
    },
    State.ANSWERING: answers(A, THEIRS, N),
    State.FAILING: answers(F, WRONG, D),
    State.CUT: {
        Input.RECEIVED_PING: (C, PONGED),
        Input.RECEIVED_PONG: (C, b""),
        Input.RECEIVED_CLOSE: (A, b""),
        Input.RECEIVED_INVALID: (A, b""),
        Input.RECEIVED_END: (C, b""),
        Input.SEND: (C, SAID),
        Input.SEND_CLOSE: (X, OURS),
        Input.CAUGHT_UP: (X, b""),
        Input.TIMEOUT: (X, b""),
        Input.DROP: (X, b""),
    },
    State.CLOSING: {
        Input.RECEIVED_PING: (G, b""),
        Input.RECEIVED_PONG: (G, b""),
        Input.RECEIVED_CLOSE: (N, b""),
        Input.RECEIVED_INVALID: (D, b""),
        Input.RECEIVED_END: (X, b""),
        Input.SEND_CLOSE: (G, b""),
        Input.CAUGHT_UP: (G, b""),
        Input.TIMEOUT: (X, b""),
        Input.DROP: (X, b""),
    },
    State.DISCARDING: ends(D, TIMEOUT=(X, b"")),
    State.FINISHED: ends(N, TIMEOUT=(X, b"")),
    State.CLOSED: ends(X),
}

#: There is no method for this one: `receive` returns messages as they are.
MESSAGES = (Input.RECEIVED_MESSAGE,)

PAIRS = [(each, what) for each in State for what in Input if what not in MESSAGES]


@pytest.mark.parametrize(("state", "what"), PAIRS)
def test_each_input_in_each_state(state: State, what: Input) -> None:
    connection = reached(state)
    expected = ROWS[state].get(what)
    if expected is not None:
        assert (connection.state, act(connection, what)) == (state, expected[1])
        assert connection.state is expected[0]
    elif what is Input.TIMEOUT:
        # There is no deadline, so it has no effect.
        assert act(connection, what) == b""
        assert connection.state is state
    else:
        with pytest.raises(Misuse, match=what.value):
            act(connection, what)
        assert connection.state is state


@pytest.mark.parametrize("state", State)
def test_the_table_says_what_becomes_of_messages(state: State) -> None:
    row = TABLE.get((state, Input.RECEIVED_MESSAGE))
    if state in (State.OPEN, State.CUT):
        assert row == (Effect.DELIVER, state)
    elif state is State.CONNECTING:
        assert row is None
    else:
        assert row == (Effect.NOTHING, state)


@pytest.mark.parametrize("state", State)
def test_what_may_be_sent_and_read_is_what_the_table_says(state: State) -> None:
    connection = reached(state)
    assert connection.sending == ((state, Input.SEND) in TABLE) == (state in SENDING)
    assert connection.reading == (state in READING)
    if state not in (*READING, State.CONNECTING):
        # Of half a message nothing is kept, and nothing more is decoded.
        assert list(connection.receive(encode_frame(TEXT, b"late"))) == []
        assert connection.frame_size == 2


@pytest.mark.parametrize("state", State)
def test_a_state_that_waits_for_others_has_a_deadline(state: State) -> None:
    connection = reached(state)
    if state in (State.CONNECTING, State.OPEN, State.CLOSED):
        assert connection.deadline is None
        return
    wait = PATIENCE if state is State.CUT else CLOSE_TIMEOUT
    assert connection.deadline == NOW + wait
    # Before that nothing happens.
    assert connection.expire(NOW + wait / 2) == b""
    assert connection.state is state
    connection.expire(NOW + wait)
    assert connection.state is not state


def test_what_comes_while_it_closes_does_not_delay_the_deadline() -> None:
    connection = opened()
    connection.close(1000, "", NOW)
    connection.control(PING, b"", NOW + 0.5)
    connection.close(1000, "", NOW + 0.6)
    assert connection.deadline == NOW + CLOSE_TIMEOUT


@pytest.mark.parametrize("state", [each for each in State if each in SENDING])
def test_a_close_frame_leads_where_nothing_is_sent(state: State) -> None:
    """Section 5.5.1."""
    for (before, _), (effect, after) in TABLE.items():
        if effect is Effect.CLOSE:
            assert before in SENDING
            assert after not in SENDING
        if effect in (Effect.WRITE, Effect.PONG):
            assert before in SENDING
    connection = reached(state)
    assert connection.close(1000, "", NOW)
    with pytest.raises(Misuse):
        connection.send(TEXT, b"late")
    assert connection.close(1000, "", NOW) == b""
