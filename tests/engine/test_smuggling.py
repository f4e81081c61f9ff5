"""What the server reads is what a strict second parser reads, or it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..vectors.smuggling import AFTER, HIDDEN, TRICKS, request
from ..wire.strategies import MANY
from .smuggling import WAYS, compare, read_with_h11
from .streams import legal_streams, mutations, pieces


@pytest.fixture(autouse=True)
def _timeout() -> None:
    """No limit for all examples together; each has its own."""


#: Tricks that are legal requests.
LEGAL = {
    *("CL.0, upgrade", "CL hidden by Connection", "CL b' 036'"),
    *("CL b'\\t36\\t'", "CL b'36'", "CL with an underscore", "TE b' chunked'"),
    *("TE b'chunked'", "TE b'\\tchunked '", "TE b' Chunked'"),
    *("TE with an underscore", "TE with an underscore beside CL"),
    *("an extension", "a trailer", "Expect", "Expect twice"),
}


#: In one piece, and byte by byte.
ARRIVALS = [(way, 10_000) for way in WAYS] + [("all", 1), ("none", 1)]


@pytest.mark.parametrize("name", TRICKS)
def test_tricks(name: str) -> None:
    stream = AFTER + request(*TRICKS[name]) + AFTER
    for way, size in ARRIVALS:
        parts = [stream[at : at + size] for at in range(0, len(stream), size)]
        ours = compare(stream, parts, way)
        paths = [each.path for each in ours.requests]
        assert "/hidden" not in paths
        if name not in LEGAL:
            assert paths in (["/after"], ["/after", "/form"])
        elif "Expect" in name and way in ("some", "none"):
            assert paths[:2] == ["/after", "/form"]
        else:
            assert paths == ["/after", "/form", "/after"]


@pytest.mark.parametrize("name", TRICKS)
def test_tricks_of_other_versions(name: str) -> None:
    for version in (b"0.9", b"1.0", b"1.2", b"2.0"):
        line = b"POST /form HTTP/%b\r\nConnection: keep-alive\r\n" % version
        stream = request(*TRICKS[name], line) + AFTER
        ours = compare(stream, [stream])
        assert "/hidden" not in [each.path for each in ours.requests]
        assert version == b"1.0" or not ours.requests


def test_a_second_parser_that_sees_the_hidden_request_is_noticed() -> None:
    """A test of the comparison itself: h11 accepts what the server refuses here."""
    stream = request(b"Content-Length: 36, 36\r\n", HIDDEN) + AFTER
    assert [each.path for each in read_with_h11(stream)] == ["/form", "/after"]
    assert compare(stream, [stream]).requests == []


@MANY
@given(st.data())
def test_legal_requests_are_all_served(data: st.DataObject) -> None:
    stream = data.draw(legal_streams())
    way = data.draw(st.sampled_from(["all", "pieces", "lines"]))
    ours = compare(stream, data.draw(pieces(stream)), way)
    assert ours.requests == read_with_h11(stream)
    assert set(ours.statuses) == {200}


@MANY
@given(st.data())
def test_whatever_attackers_make_of_them_has_one_reading(data: st.DataObject) -> None:
    stream = data.draw(mutations())
    way = data.draw(st.sampled_from(WAYS))
    compare(stream, data.draw(pieces(stream)), way)
