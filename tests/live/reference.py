"""The reference parsers of all generations, which run in a Node process."""

from __future__ import annotations

import base64
import json
import selectors
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Seconds for one answer: far more than it takes.
DEADLINE = 30.0


class RefusedByReference(Exception):
    """A reference parser does not accept its input."""


class Oracle:
    """Returns the results of the reference parsers for messages and payloads.

    :param directory: of ``oracle.js``, whose packages are installed.
    """

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(
            ["node", "oracle.js"],
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def _ask(self, question: str, *args: Any) -> Any:
        source, sink = self._process.stdin, self._process.stdout
        assert source is not None
        assert sink is not None
        source.write(json.dumps([question, *map(_pack, args)]) + "\n")
        source.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(sink, selectors.EVENT_READ)
            assert selector.select(DEADLINE), f"no answer: {question} {args!r:.500}"
        line = sink.readline()
        assert line, f"the process ended: {question} {args!r:.500}"
        answer = json.loads(line)
        if "error" in answer:
            raise RefusedByReference(answer["error"])
        return _unpack(answer["value"])

    def packet(self, revision: int, *messages: str | bytes) -> dict[str, Any]:
        """The packet in messages, as socket.io-parser of a major version reads them."""
        packet: dict[str, Any] = self._ask("packet", revision, messages)
        return packet

    def encode(self, revision: int, packet: dict[str, Any]) -> list[str | bytes]:
        """The messages that a client writes for a packet.

        :param packet: ``type``, ``nsp``, perhaps ``id`` and ``data``, with bytes among
            the items of the list.
        """
        binary = any(isinstance(each, bytes) for each in packet.get("data", ()))
        written: list[str | bytes] = self._ask("encode", revision, packet, binary)
        return written

    def packet_1(self, text: str) -> dict[str, Any]:
        """The packet in a message of 0.9."""
        packet: dict[str, Any] = self._ask("packet09", [text])
        return packet

    def payload(self, version: int, body: str | bytes) -> list[list[Any]]:
        """Types and data of the packets in a body, as engine.io-parser reads them."""
        packets: list[list[Any]] = self._ask("payload", version, body)
        return packets

    def payload_1(self, body: str) -> list[dict[str, Any]]:
        """The packets in a body of 0.9."""
        packets: list[dict[str, Any]] = self._ask("payload09", body)
        return packets

    def base64(self, text: str) -> bytes:
        """The bytes that Node reads in base64."""
        read: bytes = self._ask("base64", text)
        return read

    def write(
        self, version: int, packets: list[tuple[str, str | bytes]], binary: bool
    ) -> bytes:
        """The body that a client sends for packets."""
        written = self._ask("write", version, packets, binary)
        # A page's XMLHttpRequest encodes text.
        return written.encode() if isinstance(written, str) else bytes(written)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def oracle(directory: Path) -> Iterator[Oracle]:
    """An oracle that is ended at the end."""
    made = Oracle(directory)
    try:
        yield made
    finally:
        made.close()


def _pack(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return list(map(_pack, value))
    if isinstance(value, dict):
        return {name: _pack(item) for name, item in value.items()}
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(_unpack, value))
    if not isinstance(value, dict):
        return value
    if list(value) == ["$bytes"]:
        return base64.b64decode(value["$bytes"])
    if list(value) == ["$number"]:
        return {"Infinity": float("inf"), "-Infinity": float("-inf")}.get(
            value["$number"]
        )
    return {name: _unpack(item) for name, item in value.items()}


def same(ours: Any, theirs: Any) -> bool:
    """Whether two values are the same in JavaScript, whose numbers are all floats."""
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, (int, float)) and isinstance(theirs, (int, float)):
        return _number(ours) == _number(theirs)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(
            same(item, theirs[name]) for name, item in ours.items()
        )
    return type(ours) is type(theirs) and bool(ours == theirs)


def _number(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
