"""Masking is the same with and without the C helper."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire import masking

from ..vectors.websocket import MASK
from .missing import copy_without
from .strategies import MANY

HELPERS = ("websockets", "websockets.speedups")


PLAIN = copy_without(masking, *HELPERS)

IMPLEMENTATIONS = {
    "chosen": masking.apply_mask,
    "python": masking.py_apply_mask,
    "helper missing": PLAIN.apply_mask,
}

implementations = pytest.mark.parametrize(
    "apply_mask", IMPLEMENTATIONS.values(), ids=IMPLEMENTATIONS
)


def test_without_the_helper_python_does_the_work() -> None:
    assert PLAIN.apply_mask is PLAIN.py_apply_mask


def test_the_mask_helper_of_websockets_is_used_where_it_is_installed() -> None:
    speedups = pytest.importorskip("websockets.speedups")
    assert masking.apply_mask is speedups.apply_mask


@implementations
@pytest.mark.parametrize(
    ("data", "mask", "masked"),
    [
        pytest.param(b"", MASK, b"", id="nothing"),
        pytest.param(b"H", MASK, b"\x7f", id="one byte"),
        pytest.param(b"Hel", MASK, b"\x7f\x9f\x4d", id="three bytes"),
        pytest.param(b"Hell", MASK, b"\x7f\x9f\x4d\x51", id="four bytes"),
        pytest.param(b"Hello", MASK, b"\x7f\x9f\x4d\x51\x58", id="RFC 6455, 5.7"),
        pytest.param(b"Hello", bytes(4), b"Hello", id="mask of zeros"),
        pytest.param(bytes(9), b"abcd", b"abcdabcda", id="zeros"),
        pytest.param(b"\xff" * 9, b"\xff" * 4, bytes(9), id="ones"),
    ],
)
def test_masking(
    apply_mask: Callable[..., bytes], data: bytes, mask: bytes, masked: bytes
) -> None:
    """RFC 6455, section 5.3."""
    assert apply_mask(data, mask) == masked
    assert apply_mask(masked, mask) == data


@MANY
@given(st.binary(max_size=600), st.binary(min_size=4, max_size=4))
def test_the_mask_helpers_agree(data: bytes, mask: bytes) -> None:
    """RFC 6455, section 5.3: octet i is XORed with octet i modulo 4 of the mask."""
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
    for apply_mask in IMPLEMENTATIONS.values():
        assert apply_mask(data, mask) == masked
