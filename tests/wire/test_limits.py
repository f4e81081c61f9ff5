"""The default limits."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from tgext.socketio.wire import limits
from tgext.socketio.wire.limits import DEFAULT_LIMITS, Limits


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_message_size", 1_000_000),
        ("max_attachments", 10),
        ("attachments_size", 4_000_000),
    ],
)
def test_the_documented_default(name: str, value: int) -> None:
    assert getattr(DEFAULT_LIMITS, name) == value
    assert getattr(Limits(), name) == value


def test_the_outbox_holds_more_than_the_largest_message() -> None:
    """Otherwise a server could not send on a message that it accepts."""
    assert limits.MAX_OUTBOX == 1024 * 1024
    assert limits.MAX_OUTBOX > limits.MAX_MESSAGE_SIZE


def test_what_a_client_connects_with_is_small() -> None:
    """It is kept as long as the client is connected."""
    assert limits.MAX_CONNECT == 65536


def test_an_id_may_have_the_digits_that_javascript_counts() -> None:
    assert len(str(2**53)) == limits.MAX_DIGITS


def test_one_limit_is_set_without_the_others() -> None:
    own = Limits(max_message_size=10)
    assert (own.max_message_size, own.max_attachments) == (10, 10)
    assert own.attachments_size == 40
    own = Limits(max_attachments_size=7)
    assert (own.max_message_size, own.attachments_size) == (1_000_000, 7)


def test_the_limits_of_one_server_cannot_be_changed_by_another() -> None:
    with pytest.raises(FrozenInstanceError):
        DEFAULT_LIMITS.max_message_size = 1  # type: ignore[misc]


@pytest.mark.parametrize(("accepted", "sent"), [(0, 10), (10, 10), (11, 11), (64, 64)])
def test_as_many_attachments_are_sent_as_clients_take(accepted: int, sent: int) -> None:
    """Clients take ten; with a larger option, they are expected to take as many."""
    limits = Limits(max_attachments=accepted)
    limits.check_sent(sent)
    with pytest.raises(TypeError, match=f"more than {sent} "):
        limits.check_sent(sent + 1)
