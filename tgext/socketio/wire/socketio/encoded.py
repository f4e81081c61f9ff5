"""An encoded packet, which any number of connections share."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from ..engineio.v4 import BINARY_MARK
from ..websocket.frames import BINARY, TEXT, encode_frame


class Encoded:
    """A packet as text with its attachments, and as the frames that carry it.

    The frames are made once, however many connections they go to.

    :param text: the text of the message.
    :param attachments: the bytes that follow it, each a message of its own.
    :param prefix: the bytes before an attachment in a WebSocket frame.
    """

    __slots__ = ("_frame", "_text_frame", "attachments", "prefix", "text")

    _text_frame: bytes

    def __init__(
        self, text: str, attachments: Sequence[bytes] = (), prefix: bytes = b""
    ) -> None:
        self.text = text
        self.attachments = attachments
        self.prefix = prefix
        self._frame = b""

    @property
    def frame(self) -> bytes:
        """One frame for the text, and one for each attachment."""
        frame = self._frame
        if not frame:
            try:
                data = self.text.encode()
            except UnicodeEncodeError:
                # A lone surrogate in a plain message; JSON escapes it.
                data = self.text.encode("utf-8", "replace")
            frame = encode_frame(TEXT, data)
            for attachment in self.attachments:
                frame += encode_frame(BINARY, self.prefix + attachment)
            self._frame = frame
        return frame

    @property
    def text_frame(self) -> bytes:
        """The frames for a client that takes no bytes: attachments are in base64."""
        try:
            return self._text_frame
        except AttributeError:  # few clients need it
            frame = encode_frame(TEXT, self.text.encode("utf-8", "replace"))
            for attachment in self.attachments:
                frame += as_text_frame(attachment, self.prefix)
            self._text_frame = frame
            return frame


def as_text_frame(data: bytes, prefix: bytes) -> bytes:
    """The frame of a binary message in base64.

    Engine.IO 3 has the type of the packet between the mark and the base64.
    """
    head = BINARY_MARK + "".join(map(str, prefix))
    return encode_frame(TEXT, head.encode() + b64encode(data))


def message_size(message: str | bytes) -> int:
    """Bytes of a message on the wire, without its framing."""
    if isinstance(message, bytes) or message.isascii():
        return len(message)
    return len(message.encode("utf-8", "replace"))
