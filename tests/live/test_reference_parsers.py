"""The reference parsers as oracles: what they accept is accepted, and read alike.

Packets and payloads are written after the grammars of the protocol documents, and then
disfigured. What we write is given to the parsers of the clients. Where we refuse, or
read otherwise, on purpose, :mod:`~tests.live.deviations` says why.

``TGEXT_SOCKETIO_EXAMPLES`` is how many new examples each property tries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.wire.strategies import MANY, endpoints, json_values, packet_ids
from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire.engineio import v3 as engineio_3
from tgext.socketio.wire.engineio import v4 as engineio
from tgext.socketio.wire.errors import ProtocolError
from tgext.socketio.wire.limits import DEFAULT_LIMITS
from tgext.socketio.wire.socketio import v1 as socketio_1
from tgext.socketio.wire.socketio.binary import Reassembler
from tgext.socketio.wire.socketio.generations import (
    SOCKETIO_1,
    SOCKETIO_4,
    SOCKETIO_5,
    EngineIO,
)
from tgext.socketio.wire.socketio.packet import Packet

from . import deviations
from .reference import Oracle, RefusedByReference, oracle, same

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


@pytest.fixture(scope="module")
def reference(reference_parsers: Path) -> Iterator[Oracle]:
    with oracle(reference_parsers) as asked:
        yield asked


# Packets of Socket.IO 3 to 5

#: JSON as other writers than ours have it.
json_texts = st.builds(
    lambda value, ascii, separators: json.dumps(
        value, ensure_ascii=ascii, separators=separators
    ),
    json_values
    | st.lists(st.text() | st.integers() | json_values, min_size=1, max_size=4)
    | st.dictionaries(st.text(), json_values, max_size=3),
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:\r")]),
)
placeholders = st.lists(
    st.fixed_dictionaries({"_placeholder": st.just(True), "num": st.integers(0, 2)}),
    max_size=2,
).map(lambda found: json.dumps(["a", *found]))
pieces = st.sampled_from(
    [
        "",
        " ",
        "/",
        ",",
        "-",
        "+",
        "0",
        "1",
        "51-",
        "[]",
        "{}",
        "null",
        "\x1e",
        ":",
        "?a=b",
    ]
) | st.text(max_size=2)


@st.composite
def packet_texts(draw: st.DrawFn) -> str:
    """A packet after the grammar, with something out of place now and then."""
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
    """A packet of ours as the reference parsers have it."""
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
    """What they read, as far as it means something."""
    data = theirs.get("data")
    if theirs["type"] == "event" and isinstance(data, list):
        return {**theirs, "data": [Name(data[0]), *data[1:]]}
    if theirs["type"] == "ack" and data is None:
        return {**theirs, "data": []}
    if theirs["type"] == "connect":
        # What a connect may carry is the application's matter.
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
            try:  # then only an error of the protocol may come of it
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


args = st.lists(json_values | st.binary(max_size=20), max_size=4)
#: Those that a parser of 4.x keeps for itself have no meaning to its users.
names = st.text().filter(
    lambda name: (
        name
        not in {
            "connect",
            "connect_error",
            "disconnect",
            "disconnecting",
            "newListener",
            "removeListener",
        }
    )
)

sent = st.one_of(
    st.builds(
        lambda endpoint, name, args: {
            "type": "event",
            "endpoint": endpoint,
            "name": name,
            "args": args,
        },
        endpoints,
        names,
        args,
    ),
    st.builds(
        lambda endpoint, name, args, number: {
            "type": "event",
            "endpoint": endpoint,
            "name": name,
            "args": args,
            "id": number,
            "ack": "data",
        },
        endpoints,
        names,
        args,
        st.integers(0, 2**53),
    ),
    st.builds(
        lambda endpoint, args, number: {
            "type": "ack",
            "endpoint": endpoint,
            "args": args,
            "ackId": number,
        },
        endpoints,
        args,
        st.integers(0, 2**53),
    ),
    st.builds(
        lambda kind, endpoint: {"type": kind, "endpoint": endpoint},
        st.sampled_from(["connect", "disconnect"]),
        endpoints,
    ),
)


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
        if packet["type"] == "event":
            words["data"] = [packet["name"], *packet["args"]]
        text, *attachments = reference.encode(revision, words)
        assert isinstance(text, str)
        read = read_packet(generation, text, attachments)  # type: ignore[arg-type]
        assert same(in_their_words(read), in_their_words(packet))

    check()


# Payloads of Engine.IO

messages = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(['2["a"]', '2/chat,1["\xe9",{"b":"\u6f22"}]', "\U0001f600", ""])
    | st.binary(max_size=20)
)


def test_payloads_of_clients_are_read(reference: Oracle) -> None:
    """What the parsers of all clients write, in each form that they have."""

    @MANY
    @given(
        st.sampled_from([1, 2, 5]),
        st.lists(st.tuples(st.just("message"), messages), min_size=1, max_size=4),
        st.booleans(),
    )
    def check(version: int, packets: list[tuple[str, Any]], binary: bool) -> None:
        if version == 5:
            # A record separator is none of JSON.
            packets = [
                (kind, each if isinstance(each, bytes) else each.replace("\x1e", ""))
                for kind, each in packets
            ]
        body = reference.write(version, packets, binary)
        expected = [
            each if isinstance(each, bytes) else engineio.MESSAGE + each
            for _, each in packets
        ]
        has_bytes = any(isinstance(each, bytes) for _, each in packets)
        as_bytes = version != 5 and binary and (has_bytes or version == 1)
        if version == 5:
            decode = engineio.decode_payload
        elif as_bytes:
            decode = engineio_3.decode_binary_payload
        else:
            decode = engineio_3.decode_payload
        if version == 2 and not as_bytes:
            # Text that could be UTF-8 read as Latin-1 is taken for that of a 1.x.
            expected = [
                each if isinstance(each, bytes) else _as_of_1(each) for each in expected
            ]
        assert decode(body, DEFAULT_LIMITS) == expected

    check()


def _as_of_1(text: str) -> str:
    try:
        return text.encode("latin-1").decode("utf-8", "surrogatepass")
    except UnicodeError:
        return text


@pytest.mark.parametrize("version", [1, 2, 5])
def test_payloads_of_ours_are_read(reference: Oracle, version: int) -> None:
    """As text, and as bytes; what is not ASCII is JSON, which Engine.IO 3 escapes."""

    @MANY
    @given(
        st.lists(
            st.binary(max_size=20)
            | st.builds(
                lambda endpoint, value: (
                    f"42{endpoint}{',' if endpoint else ''}"
                    + wire_json.dumps(["a", value])
                ),
                # Which Engine.IO 4 has between packets.
                endpoints.filter(lambda name: engineio.SEPARATOR not in name),
                json_values,
            ),
            min_size=1,
            max_size=4,
        ),
        st.booleans(),
    )
    def check(packets: list[str | bytes], binary: bool) -> None:
        if version == 5:
            read = reference.payload(5, engineio.encode_payload(packets).decode())
        elif binary or (version == 1 and engineio_3.needs_bytes(packets)):
            read = reference.payload(version, engineio_3.encode_binary_payload(packets))
        else:
            body = engineio_3.encode_payload(packets).decode()
            read = reference.payload(version, body)
        assert len(read) == len(packets)
        for packet, (kind, data) in zip(packets, read, strict=True):
            assert kind == "message"
            if isinstance(packet, bytes):
                assert data == packet
            else:
                assert _meaning(packet[1:]) == _meaning(data)

    check()


def _meaning(text: str) -> tuple[str, Any]:
    head, _, data = text.partition('["a",')
    return head, json.loads(f'["a",{data}')


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """A body of Engine.IO 3 or 4, with something out of place now and then."""
    texts = draw(
        st.lists(
            st.sampled_from(
                ["2", "2probe", "3", "6", "4", "4a", '42["a"]', "b4AQID", "b"]
            )
            | st.text(st.characters(codec="ascii"), max_size=5).map("4{}".format),
            max_size=4,
        )
    )
    if draw(st.booleans()):
        body = "\x1e".join(texts)
    else:
        body = "".join(f"{len(each)}:{each}" for each in texts)
    if draw(st.booleans()):
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(pieces) + body[at + draw(st.integers(0, 2)) :]
    return body


@pytest.mark.parametrize("version", [2, 5])
def test_the_payloads_that_they_read_we_read(reference: Oracle, version: int) -> None:
    decode = engineio.decode_payload if version == 5 else engineio_3.decode_payload
    table = deviations.PAYLOADS_4 if version == 5 else deviations.PAYLOADS_3

    @MANY
    @given(bodies())
    def check(body: str) -> None:
        try:
            theirs = reference.payload(version, body)
        except RefusedByReference:
            theirs = None
        try:
            packets = decode(body.encode("utf-8", "surrogatepass"), DEFAULT_LIMITS)
            ours: Any = [_typed(each) for each in packets]
        except ProtocolError as error:
            ours = error.reason
        if theirs is None or not body.isascii():
            return
        if ours != list(map(tuple, theirs)):
            assert deviations.found(table, body, theirs), f"{ours!r} != {theirs}"

    check()


TYPE_NAMES = ["open", "close", "ping", "pong", "message", "upgrade", "noop"]


def _typed(packet: str | bytes) -> tuple[str, str | bytes]:
    if isinstance(packet, bytes):
        return "message", packet
    return TYPE_NAMES[int(packet[0])], packet[1:]


# Socket.IO 0.9


@st.composite
def packet_texts_1(draw: st.DrawFn) -> str:
    """A packet of 0.9 after the grammar, with something out of place now and then."""
    kind = draw(st.sampled_from("012345678") | st.sampled_from("3456"))
    number = draw(
        st.just("") | packet_ids.map(str) | st.integers(0, 9).map("{}+".format)
    )
    endpoint = draw(st.just("") | st.sampled_from(["/chat", "/chat?a=b", "/a/b"]))
    data = draw(
        {
            "3": st.text(),
            "5": st.builds(
                lambda name, args: json.dumps({"name": name, "args": args}),
                st.text() | st.integers(),
                st.lists(json_values, max_size=3),
            ),
            "6": st.builds("{}+{}".format, packet_ids, json_texts)
            | packet_ids.map(str),
            "7": st.sampled_from(["", "0", "1+0", "2"]),
        }.get(kind, json_texts)
    )
    text = f"{kind}:{number}:{endpoint}" + draw(st.sampled_from([f":{data}", ""]))
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(pieces) + text[at + draw(st.integers(0, 2)) :]
    return text


def in_words_of_1(packet: Packet) -> dict[str, Any]:
    """A packet of ours as the parser of 0.9 has it: ids are text."""
    words: dict[str, Any] = {**packet}
    for name in ("id", "ackId"):
        if name in words:
            words[name] = str(words[name])
    return words


def adjusted_1(theirs: dict[str, Any]) -> dict[str, Any]:
    """What they read, with ids as the numbers that they are."""
    words = {**theirs}
    for name in ("id", "ackId"):
        if name in words:
            words[name] = str(int(words[name]))
    if isinstance(words.get("name"), (int, float)):
        words["name"] = str(words["name"])
    if words["type"] == "connect":
        # The namespace's name is cut later on.
        path, mark, query = words["endpoint"].partition("?")
        words["endpoint"], words["qs"] = path, words["qs"] or mark + query
    return words


def read_1(text: str) -> Any:
    try:
        return in_words_of_1(socketio_1.decode(text))
    except ProtocolError as error:
        return error.reason


def test_what_they_read_of_1_we_read(reference: Oracle) -> None:
    @MANY
    @given(packet_texts_1())
    def check(text: str) -> None:
        try:
            theirs = reference.packet_1(text)
        except RefusedByReference:
            read_1(text)
            return
        ours = read_1(text)
        if not same(ours, adjusted_1(theirs)):
            deviation = deviations.found(deviations.PACKETS_1, text, theirs)
            assert deviation, f"{ours!r} != {theirs}"

    check()


def test_what_we_write_they_read_of_1(reference: Oracle) -> None:
    """One packet, and several framed."""

    @MANY
    @given(st.lists(sent, min_size=1, max_size=3))
    def check(packets: list[Packet]) -> None:
        packets = [_without_bytes(each) for each in packets]
        texts = [SOCKETIO_1.encode(each, wire_json.dumps).text for each in packets]
        assume(not any("\ufffd" in each for each in texts))
        body = socketio_1.encode_payload(texts).decode()
        theirs = reference.payload_1(body)
        assert len(theirs) == len(packets)
        for packet, text, read in zip(packets, texts, theirs, strict=True):
            assert same(in_words_of_1(socketio_1.decode(text)), adjusted_1(read))
            assert (packet["type"], packet["endpoint"]) == (
                read["type"],
                read["endpoint"],
            )

    check()


def _without_bytes(packet: Packet) -> Packet:
    if "args" not in packet:
        return packet
    return {
        **packet,
        "args": [each for each in packet["args"] if type(each) is not bytes],
    }


# The deviations


def _readings(reference: Oracle) -> dict[str, tuple[Any, Any, Any]]:
    """By table: the table, how they read, and how we do."""
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
        return lambda body: [_typed(each) for each in decode(body.encode(), limits)]

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
    """What is listed is accepted by the reference, and not read so here."""
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
