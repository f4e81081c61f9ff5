"""The limits of input from a peer and of output to it, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

#: Bytes of one frame, one message or one POST body. Node's socket.io has the same.
MAX_MESSAGE_SIZE = 1_000_000

#: Bytes of unsent output for one connection: the largest message, with its framing. A
#: peer that is further behind does not read fast enough.
MAX_OUTBOX = 1024 * 1024

#: Binary attachments of one packet. With more, socket.io-parser 4.2.6, 3.4.4, 3.3.5 and
#: later refuse it: clients disconnect, or end with an exception.
MAX_ATTACHMENTS = 10
#: The attachments of one packet together have as many bytes as this many messages. Each
#: is a message of its own, but all are kept until the last has arrived.
ATTACHMENTS_SIZE = 4

#: Bytes of the messages that a log in memory keeps, with what it needs to find them: a
#: room that is sent 1 KB a hundred times a second needs 25 MB for the time of recovery.
MAX_LOG = 64 * 1024 * 1024

#: Rooms, channels, jobs and pending acks of one connection: more than applications
#: need, and few enough that ending them all takes milliseconds.
MAX_ROOMS = 1000
MAX_CHANNELS = 1000
MAX_PENDING_ACKS = 1000
MAX_JOBS = 1000

#: Characters of the query, and of the auth payload, with which a client connects to a
#: namespace: the server keeps them while the client is connected.
MAX_CONNECT = 65536

#: Digits of a packet id or a length. JavaScript's integers are exact up to 2**53, which
#: has sixteen.
MAX_DIGITS = 16

#: Packets sent in one polling body: python-socketio's client refuses more.
MAX_PACKETS_SENT = 16

#: Bytes of one polling body, unless a single message has more. Further packets wait for
#: the next poll.
MAX_BYTES_SENT = 1_000_000

#: Bytes of the request line and the headers of one request together.
MAX_HEADER_SIZE = 65536
#: Bytes of the request line among them: enough for a query with a token or two.
MAX_REQUEST_LINE = 32768
#: Headers of one request. Each costs memory beside its bytes.
MAX_HEADERS = 256
#: Segments of the path of one request. TurboGears takes the empty ones at its end away
#: one by one, and copies the others each time.
MAX_SEGMENTS = 1000
#: Bytes of the headers of one part of a form, which are parsed in one go.
MAX_PART_HEADERS = 16384


@dataclass(frozen=True)
class Limits:
    """The limits of one server, handed to its decoders."""

    #: Bytes of a frame, a message or a POST body.
    max_message_size: int = MAX_MESSAGE_SIZE
    #: Binary attachments of one packet.
    max_attachments: int = MAX_ATTACHMENTS
    #: Bytes of the attachments of one packet together; None for
    #: :data:`ATTACHMENTS_SIZE` messages.
    max_attachments_size: int | None = None

    @property
    def attachments_size(self) -> int:
        """Bytes that the attachments of one packet may have together."""
        if self.max_attachments_size is None:
            return ATTACHMENTS_SIZE * self.max_message_size
        return self.max_attachments_size

    def check_sent(self, attachments: int) -> None:
        """Check the number of attachments of a packet that is about to be sent.

        A server that accepts fewer than :data:`MAX_ATTACHMENTS` may send as many.

        :raises TypeError: when it is more than clients accept.
        """
        most = max(self.max_attachments, MAX_ATTACHMENTS)
        if attachments > most:
            raise TypeError(
                f"a packet with {attachments} attachments: clients disconnect when "
                f"they receive more than {most} (max_attachments)"
            )


DEFAULT_LIMITS = Limits()
