"""Every limit on what a peer may send, or be sent, with its reason."""

from __future__ import annotations

from dataclasses import dataclass

#: Bytes of one frame, one message or one POST body. Node's socket.io takes as much.
MAX_MESSAGE_SIZE = 1_000_000

#: Bytes of unsent output for one connection: a few of the largest messages. A peer
#: that falls further behind is not reading.
MAX_OUTBOX = 1024 * 1024

#: Binary attachments of one packet: past any real use, and few enough that packets
#: waiting for attachments that never come stay small.
MAX_ATTACHMENTS = 64

#: Rooms, channels and jobs of one connection, and acks that its client owes: past any
#: real use, and few enough that leaving them all takes milliseconds.
MAX_ROOMS = 1000
MAX_CHANNELS = 1000
MAX_PENDING_ACKS = 1000
MAX_JOBS = 1000

#: Characters of the query, and of the auth payload, with which a client connects to a
#: namespace: they are kept as long as it is connected.
MAX_CONNECT = 65536

#: Digits of a packet id or a length. JavaScript counts exactly up to 2**53, which has
#: sixteen.
MAX_DIGITS = 16

#: Packets sent in one polling body: the public Python client refuses more.
MAX_PACKETS_SENT = 16

#: Bytes of one polling body, unless a single message has more: what waits beside them
#: waits for the next poll.
MAX_BYTES_SENT = 1_000_000

#: Bytes of the request line and the headers of one request together.
MAX_HEADER_SIZE = 65536
#: Bytes of the request line among them: a query may hold a token or two.
MAX_REQUEST_LINE = 32768
#: Headers of one request: what keeping one costs, whatever its size, is bounded too.
MAX_HEADERS = 256


@dataclass(frozen=True)
class Limits:
    """The limits of one server, handed to its decoders."""

    #: Bytes of a frame, a message or a POST body.
    max_message_size: int = MAX_MESSAGE_SIZE
    #: Binary attachments of one packet.
    max_attachments: int = MAX_ATTACHMENTS


DEFAULT_LIMITS = Limits()
