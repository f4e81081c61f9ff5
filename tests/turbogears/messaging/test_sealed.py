"""Messages between processes are signed, and checked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.messaging import sealed
from tgext.socketio.messaging.sealed import BusMessageError, Seal, field_of, sender_of

CHANNEL = "tgext.socketio/cluster"
MESSAGE = {"from": "x"}

PLAIN = Seal(CHANNEL)
SIGNED = Seal(CHANNEL, "a secret")


def refusal(seal: Seal, data: Any) -> str:
    with pytest.raises(BusMessageError) as refused:
        seal.read(data)
    return str(refused.value)


@pytest.mark.parametrize("seal", [PLAIN, SIGNED], ids=["plain", "signed"])
def test_what_is_written_is_read(seal: Seal) -> None:
    message = {"from": "x", "data": [1, None, "\ud800", {"a": 1.5}]}
    assert seal.read(seal.write(message)) == message
    assert seal.read(seal.write(message).encode("utf-8", "surrogatepass")) == message


@pytest.mark.parametrize("seal", [PLAIN, SIGNED], ids=["plain", "signed"])
@pytest.mark.parametrize("form", [str, str.encode])
def test_how_a_message_begins(seal: Seal, form: Any) -> None:
    written = form(seal.write({"from": "x", "to": "y"}))
    assert seal.begins(written, '{"from":"x"')
    assert not seal.begins(written, '{"from":"x"}')
    assert not seal.begins(written, '{"from":"y"')
    assert not seal.begins(None, '{"from":"x"')


def test_a_message_that_is_too_large_is_not_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sealed, "MOST", 20)
    with pytest.raises(ValueError, match="a message has 30 bytes, more than 20"):
        PLAIN.write({"from": "1234567890123456789"})


@pytest.mark.parametrize("message", [None, [], {}, {"from": 1}, {"from": "x" * 65}])
def test_a_sender_is_a_short_text(message: Any) -> None:
    with pytest.raises(BusMessageError):
        sender_of(message)


@pytest.mark.parametrize(
    "each", ["\ud800", "a b", "a/b", "x\n", "\u00e9", "\0", "*", "\u0661"]
)
def test_a_sender_is_a_part_of_names(each: str) -> None:
    with pytest.raises(BusMessageError, match="its field from is not the id"):
        sender_of({"from": each})


@pytest.mark.parametrize("each", ["", "x", "0af9", "guest-0af9", "A_1", "x" * 64])
def test_the_ids_of_senders(each: str) -> None:
    assert sender_of({"from": each}) == each


@pytest.mark.parametrize("value", [None, True, 1.5, "1"])
def test_a_field_has_one_type(value: Any) -> None:
    with pytest.raises(BusMessageError, match="its field a is not a int"):
        field_of({"a": value}, "a", int)


def test_who_has_no_secret_is_not_believed() -> None:
    written = PLAIN.write(MESSAGE)
    assert "not signed with socketio.cluster_secret" in refusal(SIGNED, written)


def test_who_has_another_secret_is_not_believed() -> None:
    written = Seal(CHANNEL, "another").write(MESSAGE)
    assert "with another socketio.cluster_secret" in refusal(SIGNED, written)


def test_a_signature_is_of_one_channel() -> None:
    written = Seal("tgext.socketio/b", "a secret").write(MESSAGE)
    assert "with another socketio.cluster_secret" in refusal(SIGNED, written)


def test_where_the_secret_is_missing_that_is_said() -> None:
    written = SIGNED.write(MESSAGE)
    assert "this process has no socketio.cluster_secret" in refusal(PLAIN, written)


@given(st.data())
def test_no_byte_of_what_is_signed_can_be_changed(data: st.DataObject) -> None:
    written = SIGNED.write({"from": "x", "data": ["hello", 1.5, "\u00fc"]}).encode()
    place = data.draw(st.integers(0, len(written) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda each: each != written[place]))
    changed = written[:place] + bytes([byte]) + written[place + 1 :]
    refusal(SIGNED, changed)
