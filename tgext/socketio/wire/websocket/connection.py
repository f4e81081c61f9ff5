"""RFC 6455, section 7: the life of a WebSocket, from its handshake to its end.

A :class:`Connection` reads and writes nothing, and has no clock. Its owner passes it
what happens, writes the bytes that it returns, and calls :meth:`Connection.expire` at
its :attr:`~Connection.deadline`. The rules are the table of
:mod:`~tgext.socketio.wire.websocket.states`; an input that it does not have raises
:class:`Misuse`.

To save time, messages do not pass through the table one by one:
:meth:`Connection.receive` returns all messages of one read, and
:meth:`Connection.send` only checks the state.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import ProtocolError
from .close import encode_close, parse_close
from .deflate import Deflater
from .frames import CLOSE, COMPRESSED, PING, PONG, FrameReader, Message, encode_frame
from .states import READING, SENDING, TABLE, Effect, Input, State

#: Section 7.4.1: "a normal closure".
NORMAL = 1000

#: Section 7.1.5: "If this Close control frame contains no status code, _The WebSocket
#: Connection Close Code_ is considered to be 1005."
NO_CODE = 1005

#: Section 7.1.5: "If _The WebSocket Connection is Closed_ and no Close control frame
#: was received by the endpoint [...], _The WebSocket Connection Close Code_ is
#: considered to be 1006."
ABNORMAL = 1006

#: Seconds that each half of the closing handshake may take.
CLOSE_TIMEOUT = 1.0

#: Seconds in which the application may still answer after the peer has ended its side
#: of the TCP connection.
PATIENCE = 20.0


#: States that end after the time-out of the closing handshake.
_TIMED = frozenset(
    (State.ANSWERING, State.FAILING, State.CLOSING, State.DISCARDING, State.FINISHED)
)

#: By state: whether input is read, whether messages may be sent, whether it is timed.
_ENTERED = {each: (each in READING, each in SENDING, each in _TIMED) for each in State}

_RECEIVED = {
    PING: Input.RECEIVED_PING,
    PONG: Input.RECEIVED_PONG,
    CLOSE: Input.RECEIVED_CLOSE,
}

_OPEN = State.OPEN


class Misuse(Exception):
    """The owner of a connection did what its state does not allow."""

    def __init__(self, state: State, what: Input) -> None:
        super().__init__(f"a WebSocket that is {state.value}: {what.value!r}")


class Connection:
    """One side of a WebSocket.

    :param reader: makes messages of what the peer sends.
    :param deflater: compresses messages, where that was negotiated.
    :param close_timeout: seconds for each half of the closing handshake: for the
        application to take what came before, and for the peer to answer.
    :param patience: seconds in which the application may still answer after the peer
        has ended its side of the TCP connection.

    Times are seconds of any one clock. Each method that takes ``now`` returns the bytes
    to write, if any; then :attr:`state` and :attr:`deadline` tell what the owner has to
    do.

    :ivar state: how far the connection is.
    :ivar reading: whether input is read; else the owner discards it.
    :ivar sending: whether messages may be sent.
    :ivar deadline: when to call :meth:`expire`; None for never.
    :ivar close_code: the code of the side that closed first, where sections 7.1.5 and
        7.1.6 have the peer's; 1005 for a close frame without one, 1006 for an end
        without a close frame; None while neither side has closed.
    :ivar close_reason: the reason that goes with it.
    :ivar deflater: see above.
    """

    __slots__ = (
        "_close_frame",
        "_close_timeout",
        "_patience",
        "_reader",
        "close_code",
        "close_reason",
        "deadline",
        "deflater",
        "reading",
        "sending",
        "state",
    )

    def __init__(
        self,
        reader: FrameReader,
        deflater: Deflater | None = None,
        close_timeout: float = CLOSE_TIMEOUT,
        patience: float = PATIENCE,
    ) -> None:
        self.state = State.CONNECTING
        self.reading = self.sending = False
        self.deflater = deflater
        self.close_code: int | None = None
        self.close_reason = ""
        self.deadline: float | None = None
        self._close_timeout = close_timeout
        self._patience = patience
        #: None when nothing more is read, which frees an incomplete message.
        self._reader: FrameReader | None = reader
        #: Our close frame, once it is due.
        self._close_frame = b""

    def establish(self) -> None:
        """The opening handshake is finished.

        :raises Misuse: unless it was awaited.
        """
        self._step(Input.ESTABLISHED, 0.0)

    # Input

    @property
    def frame_size(self) -> int:
        """Bytes of the frame that has begun, as far as it is known: at least 2."""
        return 2 if self._reader is None else self._reader.needed

    def receive(self, data: bytes) -> Iterator[Message]:
        """The messages that ``data`` completes, in their order.

        The owner passes control frames to :meth:`control`, stops when that ends the
        input, and passes an error to :meth:`fail`. It exhausts the iterator before the
        next call; nothing is decoded ahead of it.

        :raises ProtocolError: from the iterator, where the input is invalid.
        """
        if self._reader is None:
            return iter(())
        return self._reader.feed(data)

    def control(self, opcode: int, payload: bytes, now: float) -> bytes:
        """A control frame came.

        :returns: a pong, if it is due now. The answer to a close frame is due when
            the application has :meth:`caught_up`.
        :raises ProtocolError: when it is an invalid close frame.
        """
        if opcode == CLOSE and self.state in (State.OPEN, State.CUT, State.CLOSING):
            code, reason = parse_close(payload)
            self._note(code, reason)
            # Section 5.5.1: "When sending a Close frame in response, the endpoint
            # typically echos the status code it received."
            self._prepare(NORMAL if code == NO_CODE else code, "")
        effect = self._step(_RECEIVED[opcode], now)
        # Section 5.5.3: a pong has the same application data as its ping.
        return (
            encode_frame(PONG, payload) if effect is Effect.PONG else self._say(effect)
        )

    def fail(self, error: ProtocolError, now: float, explain: bool = True) -> bytes:
        """The peer's input is invalid (section 7.1.7).

        :param explain: whether our close frame tells the reason.
        """
        if self.state in (State.OPEN, State.CUT):
            self._note(error.close_code, error.reason)
            self._prepare(error.close_code, error.reason if explain else "")
        return self._say(self._step(Input.RECEIVED_INVALID, now))

    def end(self, now: float) -> bytes:
        """The peer ended its side of the TCP connection, or reset it."""
        self._note(ABNORMAL, "")
        return self._say(self._step(Input.RECEIVED_END, now))

    def caught_up(self, now: float) -> bytes:
        """The application has taken all that was received."""
        return self._say(self._step(Input.CAUGHT_UP, now))

    # Output

    def send(self, opcode: int, payload: bytes) -> bytes:
        """The frame of a message, or of a ping.

        :raises Misuse: when nothing may be sent any more.
        """
        if self.state is not _OPEN:
            self._step(Input.SEND, 0.0)
        if self.deflater is None or opcode == PING:
            return encode_frame(opcode, payload)
        return encode_frame(opcode | COMPRESSED, self.deflater.deflate(payload))

    # The end

    def close(self, code: int, reason: str, now: float) -> bytes:
        """Close the connection (section 7.1.2); again has no effect.

        A close frame that is due goes out at once, and with its own code.

        :param code: a code that may be sent (section 7.4).
        :param reason: cut to 123 bytes (section 5.5).
        :raises Misuse: before the opening handshake is finished.
        """
        effect = self._step(Input.SEND_CLOSE, now)
        self._note(code, reason)
        self._prepare(code, reason)
        return self._say(effect)

    def drop(self, now: float, reason: str = "") -> None:
        """The owner gives the TCP connection up.

        :param reason: why, as :attr:`close_reason`.
        """
        self._note(ABNORMAL, reason)
        self._step(Input.DROP, now)

    def expire(self, now: float) -> bytes:
        """Call at the :attr:`deadline`; earlier it has no effect.

        When it leads to ``CLOSED`` the owner ends the TCP connection.
        """
        if self.deadline is None or now < self.deadline:
            return b""
        return self._say(self._step(Input.TIMEOUT, now))

    def _step(self, what: Input, now: float) -> Effect:
        """Take a step of the table."""
        before = self.state
        try:
            effect, self.state = TABLE[before, what]
        except KeyError:
            raise Misuse(before, what) from None
        if self.state is not before:
            self._entered(now)
        return effect

    def _entered(self, now: float) -> None:
        self.reading, self.sending, timed = _ENTERED[self.state]
        self.deadline = now + self._close_timeout if timed else None
        if self.state is State.CUT:
            self.deadline = now + self._patience
        if not self.reading:
            self._reader = None

    def _say(self, effect: Effect) -> bytes:
        return self._close_frame if effect is Effect.CLOSE else b""

    def _prepare(self, code: int, reason: str) -> None:
        """Have a close frame ready; the first is the one that is sent."""
        if not self._close_frame:
            self._close_frame = encode_close(code, reason)

    def _note(self, code: int, reason: str) -> None:
        """Keep the code and reason of the first close, ours or the peer's."""
        if self.close_code is None:
            self.close_code, self.close_reason = code, reason
