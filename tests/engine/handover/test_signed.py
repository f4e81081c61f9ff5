"""Signed requests: what is read was signed, for this process, soon, and once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.strategies import SOME
from tgext.socketio.engine.handover.offers import Offer, OfferError, Origin
from tgext.socketio.engine.handover.signed import END, HEADER, WINDOW, Reader, sign

from .streets import Stamp

HEAD = b"POST /a?sid=1 HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\n"
ORIGIN = Origin(("192.0.2.1", 5), "https")
OFFER = Offer("token_of", ORIGIN, HEAD + b"body")
NOW = 1_000_000.0


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def signed(offer: Offer = OFFER, now: float = NOW, secret: str = "secret") -> bytes:
    """The head of a signed request."""
    data = sign(offer, Stamp(secret), lambda: now)
    head, _, body = data.partition(END)
    assert body == offer.begun.partition(END)[2]
    return head + END


def reader(clock: Clock | None = None) -> Reader:
    return Reader(OFFER.token, Stamp(), clock or Clock())


def refused(head: bytes, why: str, by: Reader | None = None) -> None:
    with pytest.raises(OfferError, match=why):
        (by or reader()).read(head)


def test_what_is_read_was_signed() -> None:
    assert reader().read(signed()) == (ORIGIN, HEAD)


@pytest.mark.parametrize(
    "begun",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nmore\r\n\r\nand more",
    ],
)
def test_requests_of_other_forms(begun: bytes) -> None:
    head, end, _ = begun.removeprefix(b"\r\n").partition(END)
    data = sign(OFFER._replace(begun=begun), Stamp(), Clock())
    assert reader().read(data.partition(END)[0] + END) == (ORIGIN, head + end)


@pytest.mark.parametrize(
    "origin", [Origin("", "http"), Origin(("::1", 1, 0, 0), "http")]
)
def test_clients_of_other_addresses(origin: Origin) -> None:
    assert reader().read(signed(OFFER._replace(origin=origin)))[0] == origin


def test_it_is_read_once() -> None:
    clock, head = Clock(), signed()
    by = reader(clock)
    by.read(head)
    for _ in range(2):
        refused(head, "it was sent before", by)
        clock.now += WINDOW / 2
    clock.now = NOW + 3 * WINDOW  # its number is forgotten, and it is too old
    by.read(signed(now=clock.now))
    refused(head, "clocks", by)
    assert by.statistics() == 1


@pytest.mark.parametrize("seconds", [WINDOW + 1, -WINDOW - 1, float("nan")])
def test_it_is_read_soon(seconds: float) -> None:
    refused(signed(now=NOW + seconds), "clocks of all machines")


@pytest.mark.parametrize("seconds", [WINDOW - 1, 1 - WINDOW])
def test_clocks_may_differ_a_little(seconds: float) -> None:
    reader().read(signed(now=NOW + seconds))


def test_it_is_read_by_whom_it_is_for() -> None:
    refused(signed(OFFER._replace(token="another_")), "another process")
    refused(signed(secret="another"), "another secret.*socketio.cluster_secret")


CHANGES = [
    (b"POST", b"PUT"),
    (b"sid=1", b"sid=2"),
    (b"Host: here", b"Host: there"),
    (b"Length: 4", b"Length: 5"),
    (b"Length: 4\r\n", b"Length: 4\r\nX: y\r\n"),
    (b"Host: here\r\n", b""),
]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_a_change_is_noticed(old: bytes, new: bytes) -> None:
    refused(signed().replace(old, new), "changed after it was signed")


def test_a_header_at_another_place_is_none() -> None:
    line, header, rest = signed().split(b"\r\n", 2)
    host, rest = rest.split(b"\r\n", 1)
    refused(b"\r\n".join((line, host, header, rest)), "not signed")
    refused(b"\r\n".join((line, header.lower(), host, rest)), "not signed")
    refused(HEAD, "not signed")
    refused(b"\r\n\r\n", "not signed")
    # A client cannot prepare one: the first is that of the process.
    mine = b"\r\n".join((line, header, host, rest))
    refused(signed(OFFER._replace(begun=mine))[:-1], "")


MESSAGES: list[dict[str, Any]] = [
    {"time": None},
    {"time": "1000000"},
    {"time": True},
    {"once": 1},
    {"scheme": "ftp"},
    {"address": None},
    {"address": ["a"]},
    {"head": None},
    {"to": None},
]


@pytest.mark.parametrize("change", MESSAGES, ids=repr)
def test_a_signed_message_is_checked(change: dict[str, Any]) -> None:
    line, header, rest = signed().split(b"\r\n", 2)
    message = Stamp().read(header.removeprefix(HEADER).decode())
    for each in (
        message | change,
        {k: v for k, v in message.items() if k not in change},
    ):
        text = Stamp().write(each).encode()
        refused(b"\r\n".join((line, HEADER + text, rest)), "")


@SOME
@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    refused(data, "")
    refused(b"GET / HTTP/1.1\r\n" + HEADER + b"secret " + data + END, "")


def test_the_header_is_one_line() -> None:
    address = ("a\r\nb: c\u2028", 1)
    head = signed(OFFER._replace(origin=Origin(address, "http")))
    assert len(head.split(b"\r\n")) == len(HEAD.split(b"\r\n")) + 1
    assert json.dumps(address[0]).encode() in head
