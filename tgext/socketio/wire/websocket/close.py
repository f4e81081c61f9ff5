"""Close frames (RFC 6455, sections 5.5.1 and 7.4)."""

from __future__ import annotations

from ..errors import FrameError
from .frames import CLOSE, MAX_CONTROL, as_text, encode_frame


def parse_close(payload: bytes) -> tuple[int, str]:
    """The code and the reason of a close frame (section 5.5.1).

    :returns: 1005 and an empty reason when the frame is empty (section 7.1.5).
    :raises FrameError: when the code is invalid (section 7.4).
    :raises InvalidFramePayload: when the reason is not UTF-8.
    """
    if not payload:
        return 1005, ""
    # Section 5.5.1: "the first two bytes of the body MUST be a 2-byte unsigned
    # integer".
    if len(payload) == 1:
        raise FrameError("a close code has only one byte")
    code = int.from_bytes(payload[:2], "big")
    if not _is_code(code):
        raise FrameError(f"close code {code} is invalid")
    return code, as_text(payload[2:])


def check_code(code: object) -> None:
    """Check a close code that an application sends.

    :raises ValueError: when it is none.
    """
    if not isinstance(code, int) or not _is_code(code):
        raise ValueError(f"close code {code!r} is invalid")


def _is_code(code: int) -> bool:
    # Sections 7.4.1 and 7.4.2, and IANA's registry: 1004 to 1006 and 1015 are never
    # sent, 1016 to 2999 are reserved.
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def encode_close(code: int, reason: str = "") -> bytes:
    """A close frame. The reason is cut to fit into a control frame (section 5.5)."""
    cut = reason.encode("utf-8", "replace")[: MAX_CONTROL - 2]
    whole = cut.decode("utf-8", "ignore").encode("utf-8")
    return encode_frame(CLOSE, code.to_bytes(2, "big") + whole)
