"""RFC 6455, sections 4.1, 4.2 and 9.1."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire.websocket.handshake import (
    VERSION,
    Offer,
    accept_key,
    is_key,
    parse_extensions,
    parse_tokens,
)

from ..strategies import MANY, mutated

SAMPLE_KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def test_the_accept_header_is_that_of_the_rfc() -> None:
    """Sections 1.3 and 4.2.2."""
    assert accept_key(SAMPLE_KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_the_version_is_thirteen() -> None:
    """Section 4.1."""
    assert VERSION == "13"


@pytest.mark.parametrize(
    ("key", "valid"),
    [
        pytest.param(SAMPLE_KEY, True, id="sample"),
        pytest.param("AAAAAAAAAAAAAAAAAAAAAA==", True, id="zeros"),
        pytest.param("/+/+/+/+/+/+/+/+/+/+/w==", True, id="every sign"),
        pytest.param("", False, id="empty"),
        pytest.param("AAAA", False, id="3 bytes"),
        pytest.param("AAAAAAAAAAAAAAAAAAAA", False, id="15 bytes"),
        pytest.param("AAAAAAAAAAAAAAAAAAAAAAA=", False, id="17 bytes"),
        pytest.param("A" * 100_000, False, id="75,000 bytes"),
        pytest.param(SAMPLE_KEY.rstrip("="), False, id="no padding"),
        pytest.param(SAMPLE_KEY[:-1], False, id="half the padding"),
        pytest.param(SAMPLE_KEY + "=", False, id="more padding"),
        pytest.param(SAMPLE_KEY + "\n", False, id="line feed"),
        pytest.param(" " + SAMPLE_KEY, False, id="space"),
        pytest.param("-_-_-_-_-_-_-_-_-_-_-w==", False, id="the other alphabet"),
        pytest.param("\u00e9" + SAMPLE_KEY[1:], False, id="not ASCII"),
        pytest.param("\ud800" + SAMPLE_KEY[1:], False, id="surrogate"),
        pytest.param("!" * 24, False, id="not base64"),
    ],
)
def test_a_key_is_sixteen_bytes_of_base64(key: str, valid: bool) -> None:
    """Section 4.2.1, item 5."""
    assert is_key(key) is valid


@MANY
@given(st.text(st.characters()) | mutated([SAMPLE_KEY], st.text(max_size=3)))
def test_any_key_is_right_or_wrong(key: str) -> None:
    if is_key(key):
        assert len(key) == 24
        assert len(accept_key(key)) == 28


@MANY
@given(st.binary(min_size=16, max_size=16))
def test_the_key_of_a_browser_is_accepted(nonce: bytes) -> None:
    assert is_key(base64.b64encode(nonce).decode())


@pytest.mark.parametrize(
    ("header", "tokens"),
    [
        ("", []),
        ("chat", ["chat"]),
        ("chat, superchat", ["chat", "superchat"]),
        ("chat,superchat\t,x", ["chat", "superchat", "x"]),
        (" , chat , ,", ["chat"]),
        ("Chat, chat", ["Chat", "chat"]),
        ("v1.chat!#$%&'*+-.^_`|~", ["v1.chat!#$%&'*+-.^_`|~"]),
        ("chat superchat", None),
        ("chat/1", None),
        ('"chat"', None),
        ("ch\u00e4t", None),
        ("chat, chat", None),
    ],
)
def test_the_subprotocols_are_tokens(header: str, tokens: list[str] | None) -> None:
    """Section 4.1, item 10."""
    if tokens is None:
        with pytest.raises(
            ValueError, match=r"not a list of tokens|names a token twice"
        ):
            parse_tokens(header)
    else:
        assert parse_tokens(header) == tokens


@pytest.mark.parametrize(
    ("header", "offers"),
    [
        ("", []),
        ("foo", [("foo", {})]),
        ("foo, bar; baz=2", [("foo", {}), ("bar", {"baz": "2"})]),
        ('bar ; baz = "2";x', [("bar", {"baz": "2", "x": None})]),
        ("foo; a; a=1, foo", [("foo", {})]),
        ("foo, ,", [("foo", {})]),
        ("foo=1", None),
        ("foo;", None),
        ("foo; =1", None),
        ('foo; a="1', None),
        ('foo; a="b c"', None),
        ("foo bar", None),
    ],
)
def test_the_extensions_are_names_with_parameters(
    header: str, offers: list[Offer] | None
) -> None:
    """Section 9.1."""
    if offers is None:
        with pytest.raises(ValueError, match="is not a list of extensions"):
            parse_extensions(header)
    else:
        assert parse_extensions(header) == offers
