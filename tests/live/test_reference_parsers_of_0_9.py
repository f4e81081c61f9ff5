"""Packets of Socket.IO 0.9: our decoder and Socket.IO's parser are compared."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.wire.strategies import MANY, json_values, packet_ids
from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire.errors import ProtocolError
from tgext.socketio.wire.socketio import v1 as socketio_1
from tgext.socketio.wire.socketio.generations import (
    SOCKETIO_1,
)
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


@st.composite
def packet_texts_1(draw: st.DrawFn) -> str:
    """A 0.9 packet that follows the grammar, sometimes with a mistake."""
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


def adjusted_1(theirs: dict[str, Any]) -> dict[str, Any]:
    """The result of the reference parser, with ids as numbers."""
    words = {**theirs}
    for name in ("id", "ackId"):
        if name in words:
            words[name] = str(int(words[name]))
    if isinstance(words.get("name"), (int, float)):
        words["name"] = str(words["name"])
    if words["type"] == "connect":
        # Their parser leaves a query in the endpoint; it is taken off later.
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
