"""IP addresses have one spelling."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire.addresses import normalised, plain

from .strategies import SOME


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("::1", "::1"),
        ("", None),
        ("localhost", None),
        ("192.0.2.01", None),
        ("192.0.2.1 ", None),
        ("[::1]", None),
        ("fe80::1%eth0", None),
        ("::1%", None),
    ],
)
def test_an_address_has_one_spelling(text: str, address: str | None) -> None:
    assert normalised(text) == address


@SOME
@given(st.ip_addresses())
def test_any_address_is_itself(address: object) -> None:
    text = normalised(str(address))
    assert text is not None
    assert normalised(text) == text
    assert plain(ip_address(str(address))) == ip_address(text)
