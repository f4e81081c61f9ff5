"""Payloads of Engine.IO: our decoders and Engine.IO's parsers are compared."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.shapes import LOOSE_BASE64
from tests.wire.strategies import MANY, endpoints, json_values
from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire.engineio import v3 as engineio_3
from tgext.socketio.wire.engineio import v4 as engineio
from tgext.socketio.wire.errors import ProtocolError
from tgext.socketio.wire.limits import DEFAULT_LIMITS

from . import deviations
from .readings import (
    pieces,
    typed,
)
from .reference import Oracle, RefusedByReference

pytestmark = pytest.mark.hypothesis

messages = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(['2["a"]', '2/chat,1["\xe9",{"b":"\u6f22"}]', "\U0001f600", ""])
    | st.binary(max_size=20)
)


def test_payloads_of_clients_are_read(reference: Oracle) -> None:
    """The payloads that the parsers of all clients write, in every form."""

    @MANY
    @given(
        st.sampled_from([1, 2, 5]),
        st.lists(st.tuples(st.just("message"), messages), min_size=1, max_size=4),
        st.booleans(),
    )
    def check(version: int, packets: list[tuple[str, Any]], binary: bool) -> None:
        if version == 5:
            # JSON never contains a record separator.
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
            # Text that a client 1.x could have encoded is decoded as its.
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
                # Engine.IO 4 has the separator between packets.
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


def test_base64_is_read_as_node_reads_it(reference: Oracle) -> None:
    """Java clients write line ends in it, and others leave out the padding."""
    # For characters above U+00FF, Node's decoder uses only the low byte.
    digits = st.sampled_from("AZaz09+/-_")
    others = st.sampled_from("\r\n\t =!\x00\xe9\xff") | st.characters(max_codepoint=255)

    @MANY
    @given(st.text(digits | digits | others, max_size=20))
    def check(text: str) -> None:
        assert engineio.decode_base64(text) == reference.base64(text)

    check()


@pytest.mark.parametrize("text", LOOSE_BASE64)
def test_node_reads_base64_so(reference: Oracle, text: str) -> None:
    assert reference.base64(text) == LOOSE_BASE64[text]


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """A body of Engine.IO 3 or 4, sometimes with a mistake."""
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
            ours: Any = [typed(each) for each in packets]
        except ProtocolError as error:
            ours = error.reason
        if theirs is None or not body.isascii():
            return
        if ours != list(map(tuple, theirs)):
            assert deviations.found(table, body, theirs), f"{ours!r} != {theirs}"

    check()
