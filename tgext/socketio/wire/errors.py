"""The errors of the decoders.

::

    ProtocolError                  a peer broke its protocol
    ├── PacketError                a Socket.IO packet is invalid
    │   └── InvalidJSON            its JSON is invalid
    ├── PayloadError               an Engine.IO packet or a polling body is invalid
    │   └── PayloadTooLarge        a body exceeds ``max_message_size`` (HTTP 413)
    └── FrameError                 a WebSocket frame is invalid; ``close_code`` 1002
        ├── InvalidFramePayload    text is not UTF-8; ``close_code`` 1007
        └── MessageTooBig          ``max_message_size`` is exceeded; ``close_code`` 1009

Whatever the input, the decoders raise no other exceptions.
"""

from __future__ import annotations


class ProtocolError(Exception):
    """A peer sent what its protocol does not allow.

    :param reason: what is wrong with it, for the log and the peer.
    """

    #: The WebSocket close code with which the connection ends (RFC 6455, section
    #: 7.4.1).
    close_code = 1002

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PacketError(ProtocolError):
    """A Socket.IO packet is invalid."""


class InvalidJSON(PacketError):
    """The JSON of a packet is invalid."""


class PayloadError(ProtocolError):
    """An Engine.IO packet, or the body of a polling request, is invalid."""


class PayloadTooLarge(PayloadError):
    """The body of a polling request is larger than ``max_message_size``."""

    close_code = 1009


class FrameError(ProtocolError):
    """A WebSocket frame is invalid (RFC 6455, section 5)."""


class InvalidFramePayload(FrameError):
    """A text message or a close reason is not UTF-8 (RFC 6455, section 8.1)."""

    close_code = 1007


class MessageTooBig(FrameError):
    """A frame or a message is larger than ``max_message_size``."""

    close_code = 1009
