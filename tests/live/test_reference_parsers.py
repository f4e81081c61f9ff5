"""Packets of Socket.IO 3 to 5: our decoder and Socket.IO's parsers are compared."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.wire.strategies import MANY, endpoints, packet_ids
from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire.engineio import v3 as engineio_3
from tgext.socketio.wire.engineio import v4 as engineio
from tgext.socketio.wire.errors import ProtocolError
from tgext.socketio.wire.limits import DEFAULT_LIMITS
from tgext.socketio.wire.socketio import v1 as socketio_1
from tgext.socketio.wire.socketio.binary import Reassembler
from tgext.socketio.wire.socketio.generations import SOCKETIO_4, SOCKETIO_5
from tgext.socketio.wire.socketio.generations.engineio import EngineIO
from tgext.socketio.wire.socketio.packet import Packet

from . import deviations
from .readings import (
    in_words_of_1,
    json_texts,
    pieces,
    sent,
)
from .reference import Oracle, RefusedByReference, same

pytestmark = pytest.mark.hypothesis


#: The generations on Engine.IO, and the socket.io-parser of their servers.
SERVERS: dict[str, tuple[EngineIO, int]] = {
    "EIO3": (SOCKETIO_4, 3),
    "EIO4": (SOCKETIO_5, 4),
}


#: The same, and the socket.io-parser of their clients.
CLIENTS: list[tuple[EngineIO, int]] = [
    (SOCKETIO_4, 2),
    (SOCKETIO_4, 3),
    (SOCKETIO_5, 4),
]

# Packets of Socket.IO 3 to 5


placeholders = st.lists(
    st.fixed_dictionaries({"_placeholder": st.just(True), "num": st.integers(0, 2)}),
    max_size=2,
).map(lambda found: json.dumps(["a", *found]))


@st.composite
def packet_texts(draw: st.DrawFn) -> str:
    """A packet that follows the grammar, sometimes with a mistake."""
    kind = draw(st.sampled_from("0123456") | st.sampled_from("2356"))
    count = draw(st.integers(0, 3).map("{}-".format)) if kind in "56" else ""
    namespace = draw(
        st.just("")
        | st.sampled_from(
            ["/chat,", "/,", "/a/b,", "/chat", "/chat?a=b,", "/\xe9t\xe9,"]
        )
        | endpoints.map(lambda name: f"{name}," if name else "")
    )
    number = draw(st.just("") | packet_ids.map(str) | st.integers(0, 99).map(str))
    data = draw(json_texts | placeholders | st.just(""))
    text = kind + count + namespace + number + data
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(pieces) + text[at + draw(st.integers(0, 2)) :]
    return text


_COUNTS = ("1", "2", "3")


def attachments_of(text: str) -> list[bytes]:
    count = deviations.attachments(text)
    return [
        bytes([each]) for each in range(int(count) if count in ("1", "2", "3") else 0)
    ]


def read_packet(generation: EngineIO, text: str, attachments: list[bytes]) -> Packet:
    packet = generation.decode("4" + text, DEFAULT_LIMITS, wire_json.loads)
    if "attachments" not in packet:
        return packet
    partial = Reassembler(packet)
    whole = None if packet["attachments"] else partial.packet()
    for each in attachments:
        whole = partial.add(each)
    assert whole is not None
    return whole


class Name:
    """The name of an event; one that is a number is text to a user."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return repr(self.value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Name):
            return NotImplemented
        names = (self.value, other.value)
        if all(isinstance(each, str) for each in names):
            return self.value == other.value
        return same(*map(float, names))

    __hash__ = None  # type: ignore[assignment]


def in_their_words(packet: Packet) -> dict[str, Any]:
    """One of our packets in the form of the reference parsers."""
    namespace = packet["endpoint"] or "/"
    if "qs" in packet:
        namespace += "?" + packet["qs"]
    words: dict[str, Any] = {"type": packet["type"], "nsp": namespace}
    number = packet.get("ackId", packet.get("id"))
    if number is not None:
        words["id"] = number
    if packet["type"] == "event":
        words["data"] = [Name(packet["name"]), *packet["args"]]
    elif packet["type"] == "ack":
        words["data"] = packet["args"]
    return words


def adjusted(theirs: dict[str, Any]) -> dict[str, Any]:
    """The result of the reference parsers, without meaningless parts."""
    data = theirs.get("data")
    if theirs["type"] == "event" and isinstance(data, list):
        return {**theirs, "data": [Name(data[0]), *data[1:]]}
    if theirs["type"] == "ack" and data is None:
        return {**theirs, "data": []}
    if theirs["type"] == "connect":
        # The application checks the data of a connect, not the parser.
        return {name: each for name, each in theirs.items() if name != "data"}
    return theirs


@pytest.mark.parametrize("name", SERVERS)
def test_what_they_read_we_read(reference: Oracle, name: str) -> None:
    generation, revision = SERVERS[name]

    @MANY
    @given(packet_texts())
    def check(text: str) -> None:
        attachments = attachments_of(text)
        try:
            theirs = reference.packet(revision, text, *attachments)
        except RefusedByReference:
            try:  # it may be accepted, or refused with an error of the protocol
                read_packet(generation, text, attachments)
            except (ProtocolError, AssertionError):
                pass
            return
        ours: Any
        try:
            ours = in_their_words(read_packet(generation, text, attachments))
        except ProtocolError as error:
            ours = error.reason
        if not same(ours, adjusted(theirs)):
            assert deviations.found(deviations.PACKETS, text, theirs), (
                f"{ours!r} != {theirs}"
            )

    check()


@pytest.mark.parametrize(("generation", "revision"), CLIENTS, ids=["1.x", "2.x", "4.x"])
def test_what_we_write_they_read(
    reference: Oracle, generation: EngineIO, revision: int
) -> None:
    @MANY
    @given(sent)
    def check(packet: Packet) -> None:
        encoded = generation.encode(packet, wire_json.dumps)
        assert encoded.text[0] == engineio.MESSAGE
        theirs = reference.packet(revision, encoded.text[1:], *encoded.attachments)
        if packet["type"] == "connect":
            assert isinstance(theirs.pop("data", {}), dict)
        assert same(in_their_words(packet), adjusted(theirs))

    check()


@pytest.mark.parametrize(("generation", "revision"), CLIENTS, ids=["1.x", "2.x", "4.x"])
def test_what_they_write_we_read(
    reference: Oracle, generation: EngineIO, revision: int
) -> None:
    @MANY
    @given(sent)
    def check(packet: Packet) -> None:
        words = in_their_words(packet)
        # To take bytes out, they copy objects key by key. In JavaScript that sets the
        # copy's prototype where the key is `__proto__`, which is then not sent.
        assume("'__proto__'" not in repr(words))
        if packet["type"] == "event":
            words["data"] = [packet["name"], *packet["args"]]
        text, *attachments = reference.encode(revision, words)
        assert isinstance(text, str)
        read = read_packet(generation, text, attachments)  # type: ignore[arg-type]
        assert same(in_their_words(read), in_their_words(packet))

    check()


# The deviations


def _readings(reference: Oracle) -> dict[str, tuple[Any, Any, Any]]:
    """For each table: the table, their results, and ours."""
    limits = DEFAULT_LIMITS

    def packet(text: str) -> dict[str, Any]:
        attachments = attachments_of(text)
        try:
            return reference.packet(4, text, *attachments)
        except RefusedByReference:
            return reference.packet(3, text, *attachments)

    def our_packet(text: str) -> Any:
        return in_their_words(read_packet(SOCKETIO_5, text, attachments_of(text)))

    def typed(decode: Any) -> Any:
        return lambda body: [typed(each) for each in decode(body.encode(), limits)]

    return {
        "packets": (deviations.PACKETS, packet, our_packet),
        "payloads 3": (
            deviations.PAYLOADS_3,
            lambda body: reference.payload(2, body),
            typed(engineio_3.decode_payload),
        ),
        "payloads 4": (
            deviations.PAYLOADS_4,
            lambda body: reference.payload(5, body),
            typed(engineio.decode_payload),
        ),
        "packets 1": (
            deviations.PACKETS_1,
            reference.packet_1,
            lambda text: in_words_of_1(socketio_1.decode(text)),
        ),
    }


def test_each_deviation_is_one(reference: Oracle) -> None:
    """The reference accepts each listed input, and we read it differently."""
    for table, theirs, ours in _readings(reference).values():
        for name, deviation in table.items():
            text = deviation.example
            if not text:
                continue
            read = theirs(text)
            assert deviation.applies(text, read), name
            try:
                assert ours(text) != read, name
            except ProtocolError:
                pass
