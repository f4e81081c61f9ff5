"""What can be wrong with the input of a peer.

::

    ProtocolError                  whatever a peer may not send
    ├── PacketError                a Socket.IO packet that cannot be read
    │   └── InvalidJSON            its JSON cannot be read
    ├── PayloadError               an Engine.IO packet or a polling body
    │   └── PayloadTooLarge        a body past ``max_message_size`` (HTTP 413)
    └── FrameError                 a WebSocket frame; ``close_code`` 1002
        ├── InvalidFramePayload    text that is not UTF-8; ``close_code`` 1007
        └── MessageTooBig          past ``max_message_size``; ``close_code`` 1009

The decoders raise these and nothing else, whatever they are given.
"""

from __future__ import annotations


class ProtocolError(Exception):
    """A peer sent what its protocol does not allow.

    :param reason: what was wrong, for the log and the peer.
    """

    #: The WebSocket close code that answers it (RFC 6455, section 7.4.1).
    close_code = 1002

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PacketError(ProtocolError):
    """A Socket.IO packet that cannot be read."""


class InvalidJSON(PacketError):
    """The JSON of a packet cannot be read."""


class PayloadError(ProtocolError):
    """An Engine.IO packet, or the body of a polling request, cannot be read."""


class PayloadTooLarge(PayloadError):
    """The body of a polling request is larger than ``max_message_size``."""

    close_code = 1009


class FrameError(ProtocolError):
    """A WebSocket frame breaks RFC 6455."""


class InvalidFramePayload(FrameError):
    """A text message or a close reason is not UTF-8 (RFC 6455, section 8.1)."""

    close_code = 1007


class MessageTooBig(FrameError):
    """A frame or a message is larger than ``max_message_size``."""

    close_code = 1009
