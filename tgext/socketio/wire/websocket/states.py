"""RFC 6455, section 7: the states of a WebSocket, in one table.

:data:`TABLE` maps a state and an input to an effect and the next state. An input that
has no entry in a state is a mistake of the connection's owner.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """How far a connection is."""

    # Members are compared by identity. Enum's own method hashes the name, in Python:
    # it made a step through the table take twice as long.
    __hash__ = object.__hash__

    #: The opening handshake is not finished (section 4).
    CONNECTING = "connecting"
    #: Messages go both ways (section 4.1, "_The WebSocket Connection is Established_").
    OPEN = "open"
    #: The peer sent its close frame. Ours is due when the application has taken what
    #: came before. Section 5.5.1: "An endpoint MAY delay sending a Close frame until
    #: its current message is sent".
    ANSWERING = "answering"
    #: The peer broke the protocol: the connection fails (section 7.1.7). Our close
    #: frame is due as in ``ANSWERING``.
    FAILING = "failing"
    #: The peer ended its side of the TCP connection without a close frame. What came
    #: before may be answered: the peer may still read.
    CUT = "cut"
    #: We sent a close frame; the peer's is awaited (section 7.1.2).
    CLOSING = "closing"
    #: The connection failed and we said so. Section 7.1.7: "An endpoint MUST NOT
    #: continue to attempt to process data (including a responding Close frame) from the
    #: remote endpoint". Its input is discarded until it ends the TCP connection, for "a
    #: clean closure" (section 7.1.1): closing with unread input would reset the TCP
    #: connection, and the peer could lose our close frame.
    DISCARDING = "discarding"
    #: Both sides sent their close frames. Section 5.5.1: "The server MUST close the
    #: underlying TCP connection immediately".
    FINISHED = "finished"
    #: The TCP connection is closed (section 7.1.4), or the owner has to close it.
    CLOSED = "closed"


class Input(Enum):
    """What may happen to a connection."""

    # Members are compared by identity. Enum's own method hashes the name, in Python:
    # it made a step through the table take twice as long.
    __hash__ = object.__hash__

    #: The opening handshake was answered with 101.
    ESTABLISHED = "established"
    #: The peer's messages and control frames.
    RECEIVED_MESSAGE = "received a message"
    RECEIVED_PING = "received a ping"
    RECEIVED_PONG = "received a pong"
    RECEIVED_CLOSE = "received a close frame"
    #: The peer's input breaks the protocol, is not UTF-8, or is too large.
    RECEIVED_INVALID = "received invalid input"
    #: The peer ended its side of the TCP connection, or reset it.
    RECEIVED_END = "received the end"
    #: The application sends a message or a ping.
    SEND = "send"
    #: The application closes the connection.
    SEND_CLOSE = "send a close frame"
    #: The application has taken all that was received.
    CAUGHT_UP = "caught up"
    #: The deadline has passed.
    TIMEOUT = "timeout"
    #: The TCP connection is given up, without a close frame.
    DROP = "drop"


class Effect(Enum):
    """What is done about an input."""

    NOTHING = "nothing"
    #: The message goes to the application.
    DELIVER = "deliver"
    #: The application's frame is written.
    WRITE = "write"
    #: Section 5.5.2: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame
    #: in response, unless it already received a Close frame."
    PONG = "pong"
    #: Our close frame is written: the only one (section 5.5.1).
    CLOSE = "close"
    #: The owner ends the TCP connection at once.
    DROP = "drop"


_S, _I, _E = State, Input, Effect

#: What the peer may send after the end of its messages: it is discarded.
_LATE = (
    _I.RECEIVED_MESSAGE,
    _I.RECEIVED_PING,
    _I.RECEIVED_PONG,
    _I.RECEIVED_CLOSE,
    _I.RECEIVED_INVALID,
)

#: (state, input) -> (effect, state that follows).
TABLE: dict[tuple[State, Input], tuple[Effect, State]] = {
    (_S.CONNECTING, _I.ESTABLISHED): (_E.NOTHING, _S.OPEN),
    (_S.CONNECTING, _I.RECEIVED_END): (_E.NOTHING, _S.CLOSED),
    (_S.CONNECTING, _I.DROP): (_E.DROP, _S.CLOSED),
    #
    (_S.OPEN, _I.RECEIVED_MESSAGE): (_E.DELIVER, _S.OPEN),
    (_S.OPEN, _I.RECEIVED_PING): (_E.PONG, _S.OPEN),
    # Section 5.5.3: "A response to an unsolicited Pong frame is not expected."
    (_S.OPEN, _I.RECEIVED_PONG): (_E.NOTHING, _S.OPEN),
    (_S.OPEN, _I.RECEIVED_CLOSE): (_E.NOTHING, _S.ANSWERING),
    (_S.OPEN, _I.RECEIVED_INVALID): (_E.NOTHING, _S.FAILING),
    (_S.OPEN, _I.RECEIVED_END): (_E.NOTHING, _S.CUT),
    (_S.OPEN, _I.SEND): (_E.WRITE, _S.OPEN),
    (_S.OPEN, _I.SEND_CLOSE): (_E.CLOSE, _S.CLOSING),
    (_S.OPEN, _I.CAUGHT_UP): (_E.NOTHING, _S.OPEN),
    (_S.OPEN, _I.DROP): (_E.DROP, _S.CLOSED),
    # Section 5.5.1: "If an endpoint receives a Close frame and did not previously send
    # a Close frame, the endpoint MUST send a Close frame in response."
    **{(_S.ANSWERING, each): (_E.NOTHING, _S.ANSWERING) for each in _LATE},
    (_S.ANSWERING, _I.RECEIVED_END): (_E.NOTHING, _S.ANSWERING),
    (_S.ANSWERING, _I.SEND): (_E.WRITE, _S.ANSWERING),
    (_S.ANSWERING, _I.SEND_CLOSE): (_E.CLOSE, _S.FINISHED),
    (_S.ANSWERING, _I.CAUGHT_UP): (_E.CLOSE, _S.FINISHED),
    (_S.ANSWERING, _I.TIMEOUT): (_E.CLOSE, _S.FINISHED),
    (_S.ANSWERING, _I.DROP): (_E.DROP, _S.CLOSED),
    # Section 7.1.7: "the endpoint SHOULD send a Close frame with an appropriate status
    # code (Section 7.4) before proceeding to _Close the WebSocket Connection_."
    **{(_S.FAILING, each): (_E.NOTHING, _S.FAILING) for each in _LATE},
    # Nothing is left to be discarded.
    (_S.FAILING, _I.RECEIVED_END): (_E.NOTHING, _S.ANSWERING),
    (_S.FAILING, _I.SEND): (_E.WRITE, _S.FAILING),
    (_S.FAILING, _I.SEND_CLOSE): (_E.CLOSE, _S.DISCARDING),
    (_S.FAILING, _I.CAUGHT_UP): (_E.CLOSE, _S.DISCARDING),
    (_S.FAILING, _I.TIMEOUT): (_E.CLOSE, _S.DISCARDING),
    (_S.FAILING, _I.DROP): (_E.DROP, _S.CLOSED),
    # An owner that reads ahead meets the end before it handles what came before.
    (_S.CUT, _I.RECEIVED_MESSAGE): (_E.DELIVER, _S.CUT),
    (_S.CUT, _I.RECEIVED_PING): (_E.PONG, _S.CUT),
    (_S.CUT, _I.RECEIVED_PONG): (_E.NOTHING, _S.CUT),
    (_S.CUT, _I.RECEIVED_CLOSE): (_E.NOTHING, _S.ANSWERING),
    (_S.CUT, _I.RECEIVED_INVALID): (_E.NOTHING, _S.ANSWERING),
    (_S.CUT, _I.RECEIVED_END): (_E.NOTHING, _S.CUT),
    (_S.CUT, _I.SEND): (_E.WRITE, _S.CUT),
    (_S.CUT, _I.SEND_CLOSE): (_E.CLOSE, _S.CLOSED),
    (_S.CUT, _I.CAUGHT_UP): (_E.NOTHING, _S.CLOSED),
    (_S.CUT, _I.TIMEOUT): (_E.DROP, _S.CLOSED),
    (_S.CUT, _I.DROP): (_E.DROP, _S.CLOSED),
    # Section 5.5.1: "The application MUST NOT send any more data frames after sending a
    # Close frame." Pongs would go to a peer that does not expect them either.
    (_S.CLOSING, _I.RECEIVED_MESSAGE): (_E.NOTHING, _S.CLOSING),
    (_S.CLOSING, _I.RECEIVED_PING): (_E.NOTHING, _S.CLOSING),
    (_S.CLOSING, _I.RECEIVED_PONG): (_E.NOTHING, _S.CLOSING),
    (_S.CLOSING, _I.RECEIVED_CLOSE): (_E.NOTHING, _S.FINISHED),
    (_S.CLOSING, _I.RECEIVED_INVALID): (_E.NOTHING, _S.DISCARDING),
    (_S.CLOSING, _I.RECEIVED_END): (_E.NOTHING, _S.CLOSED),
    (_S.CLOSING, _I.SEND_CLOSE): (_E.NOTHING, _S.CLOSING),
    (_S.CLOSING, _I.CAUGHT_UP): (_E.NOTHING, _S.CLOSING),
    # Section 7.1.1: "An endpoint MAY close the connection via any means available when
    # necessary".
    (_S.CLOSING, _I.TIMEOUT): (_E.DROP, _S.CLOSED),
    (_S.CLOSING, _I.DROP): (_E.DROP, _S.CLOSED),
    #
    **{(_S.DISCARDING, each): (_E.NOTHING, _S.DISCARDING) for each in _LATE},
    (_S.DISCARDING, _I.RECEIVED_END): (_E.NOTHING, _S.CLOSED),
    (_S.DISCARDING, _I.SEND_CLOSE): (_E.NOTHING, _S.DISCARDING),
    (_S.DISCARDING, _I.CAUGHT_UP): (_E.NOTHING, _S.DISCARDING),
    (_S.DISCARDING, _I.TIMEOUT): (_E.DROP, _S.CLOSED),
    (_S.DISCARDING, _I.DROP): (_E.DROP, _S.CLOSED),
    # Section 1.4: "after receiving a control frame indicating the connection should be
    # closed, a peer discards any further data received."
    **{(_S.FINISHED, each): (_E.NOTHING, _S.FINISHED) for each in _LATE},
    (_S.FINISHED, _I.RECEIVED_END): (_E.NOTHING, _S.CLOSED),
    (_S.FINISHED, _I.SEND_CLOSE): (_E.NOTHING, _S.FINISHED),
    (_S.FINISHED, _I.CAUGHT_UP): (_E.NOTHING, _S.FINISHED),
    (_S.FINISHED, _I.TIMEOUT): (_E.DROP, _S.CLOSED),
    (_S.FINISHED, _I.DROP): (_E.DROP, _S.CLOSED),
    #
    **{(_S.CLOSED, each): (_E.NOTHING, _S.CLOSED) for each in _LATE},
    (_S.CLOSED, _I.RECEIVED_END): (_E.NOTHING, _S.CLOSED),
    (_S.CLOSED, _I.SEND_CLOSE): (_E.NOTHING, _S.CLOSED),
    (_S.CLOSED, _I.CAUGHT_UP): (_E.NOTHING, _S.CLOSED),
    (_S.CLOSED, _I.DROP): (_E.NOTHING, _S.CLOSED),
}

#: States in which input is decoded, not discarded.
READING = frozenset((State.OPEN, State.CLOSING))

#: States in which messages may be sent.
SENDING = frozenset((State.OPEN, State.ANSWERING, State.FAILING, State.CUT))
