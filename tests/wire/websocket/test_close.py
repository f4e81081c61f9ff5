"""Close frames: the vectors are of RFC 6455."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire.errors import FrameError, InvalidFramePayload
from tgext.socketio.wire.websocket.close import check_code, encode_close, parse_close
from tgext.socketio.wire.websocket.frames import CLOSE, FrameReader

from ...vectors.shapes import EMOJI
from ..strategies import MANY, outcome


@pytest.mark.parametrize(
    ("payload", "close"),
    [
        (b"", (1005, "")),
        (b"\x03\xe8", (1000, "")),
        (b"\x03\xe9bye", (1001, "bye")),
        (b"\x03\xea", (1002, "")),
        (b"\x03\xeb", (1003, "")),
        (b"\x03\xef", (1007, "")),
        (b"\x03\xf1too big", (1009, "too big")),
        (b"\x03\xf3", (1011, "")),
        (b"\x03\xf6", (1014, "")),
        (b"\x0b\xb8", (3000, "")),
        (b"\x0f\xa0" + "\u2603".encode(), (4000, "\u2603")),
        (b"\x13\x87" + b"x" * 123, (4999, "x" * 123)),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else "",
)
def test_a_close_is_read(payload: bytes, close: tuple[int, str]) -> None:
    """Sections 5.5.1 and 7.4; 1005 stands for a close without a code (7.1.5)."""
    assert parse_close(payload) == close


@pytest.mark.parametrize(
    ("code", "reason", "frame"),
    [
        pytest.param(1000, "", b"\x88\x02\x03\xe8", id="no reason"),
        pytest.param(1001, "bye", b"\x88\x05\x03\xe9bye", id="reason"),
        pytest.param(1009, "\u2603", b"\x88\x05\x03\xf1\xe2\x98\x83", id="snowman"),
        pytest.param(4000, "x" * 123, b"\x88\x7d\x0f\xa0" + b"x" * 123, id="123 bytes"),
        pytest.param(4000, "x" * 999, b"\x88\x7d\x0f\xa0" + b"x" * 123, id="cut"),
        pytest.param(
            1000,
            "\u6f22" * 50,
            b"\x88\x7d\x03\xe8" + "\u6f22".encode() * 41,
            id="cut between characters",
        ),
        pytest.param(
            1000,
            "x" + EMOJI * 40,
            b"\x88\x7b\x03\xe8x" + EMOJI.encode() * 30,
            id="cut before an emoji",
        ),
    ],
)
def test_a_close_is_written(code: int, reason: str, frame: bytes) -> None:
    """Sections 5.5 and 5.5.1: at most 125 bytes, and the reason is UTF-8."""
    assert encode_close(code, reason) == frame


def test_a_close_is_written_whatever_the_reason_says() -> None:
    """A reason that quotes a peer may hold the half of a surrogate pair."""
    frame = encode_close(1002, "unknown event \ud83d")
    [(opcode, payload)] = FrameReader(masked=False).feed(frame)
    assert opcode == CLOSE
    assert isinstance(payload, bytes)
    code, reason = parse_close(payload)
    assert code == 1002
    assert reason.startswith("unknown event ")


@MANY
@given(st.binary(max_size=130))
def test_any_payload_of_a_close_is_read_or_refused(payload: bytes) -> None:
    close = outcome(lambda: parse_close(payload))
    if isinstance(close, tuple):
        code, reason = close
        if payload:
            assert code.to_bytes(2, "big") + reason.encode() == payload
        else:
            assert close == (1005, "")
    else:
        assert close in (FrameError, InvalidFramePayload)


@MANY
@given(
    st.sampled_from([1000, 1001, 1002, 1009, 1011, 3000, 4999]), st.text(max_size=200)
)
def test_a_close_is_read_as_it_was_written(code: int, reason: str) -> None:
    [(opcode, payload)] = FrameReader(masked=False).feed(encode_close(code, reason))
    assert opcode == CLOSE
    assert isinstance(payload, bytes)
    found, cut = parse_close(payload)
    assert found == code
    assert reason.startswith(cut)
    assert cut == reason or len(payload) > 121


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1014, 3000, 4999])
def test_an_application_may_send_a_code(code: int) -> None:
    check_code(code)


@pytest.mark.parametrize(
    "code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, "1000", 1000.0, None]
)
def test_an_application_may_not_send_a_code(code: object) -> None:
    """Sections 7.4.1 and 7.4.2."""
    with pytest.raises(ValueError, match=f"close code {code!r} is invalid"):
        check_code(code)
