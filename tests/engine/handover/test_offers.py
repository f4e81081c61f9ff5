"""Offers as bytes, and bytes that are none."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.strategies import SOME
from tgext.socketio.engine.handover.offers import (
    MOST,
    Offer,
    OfferError,
    Origin,
    length_of_offer,
    read_offer,
    write_offer,
)

ADDRESSES = st.one_of(
    st.text(),
    st.tuples(st.text(), st.integers(0, 65535)),
    st.tuples(st.text(), st.integers(), st.integers(), st.integers()),
)


ORIGINS = st.builds(Origin, ADDRESSES, st.sampled_from(["http", "https"]))


@SOME
@given(st.builds(Offer, st.text(max_size=100), ORIGINS, st.binary()))
def test_what_is_read_was_written(offer: Offer) -> None:
    data = write_offer(offer)
    assert length_of_offer(data) == len(data)
    assert length_of_offer(data[:5]) == 0
    assert read_offer(data) == offer


INVALID = (
    b"",
    b"\xff",
    b"1",
    b"[]",
    b'["token"]',
    b'["token", "path"]',
    b'["token", null, "http"]',
    b'[1, "path", "http"]',
    b'["token", ["host"], "http"]',
    b'["token", ["host", "80"], "http"]',
    b'["token", ["host", true], "http"]',
    b'["token", ["host", 80, 0], "http"]',
    b'["token", [1, 2], "http"]',
    b'["token", "path", "ftp"]',
    b'["token", "path", ["http"]]',
    b'["token", "path", "http", 4]',
    b'{"token": 1, "address": 2, "scheme": 3}',
    b"[" * 10_000,
)


@pytest.mark.parametrize("about", INVALID)
def test_bytes_that_are_no_offer(about: bytes) -> None:
    with pytest.raises(OfferError):
        read_offer(struct.pack("!HI", len(about), 0) + about)


def test_an_offer_has_a_limited_size() -> None:
    assert length_of_offer(struct.pack("!HI", 0, MOST)) == 6 + MOST
    with pytest.raises(OfferError, match="more than"):
        length_of_offer(struct.pack("!HI", 0, MOST + 1))
