"""How the packets of each generation are written and read by the tests' clients."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from typing import Any


class Dialect(ABC):
    """How a generation writes the packets of a client, and reads those of a server."""

    @abstractmethod
    def connect(self, endpoint: str) -> str: ...

    @abstractmethod
    def leave(self, endpoint: str) -> str: ...

    @abstractmethod
    def event(
        self, endpoint: str, name: str, args: tuple[Any, ...], number: int | None
    ) -> str: ...

    @abstractmethod
    def ack(self, endpoint: str, number: int, args: tuple[Any, ...]) -> str: ...

    @abstractmethod
    def read(self, text: str) -> dict[str, Any]: ...


class Dialect1(Dialect):
    def connect(self, endpoint: str) -> str:
        return f"1::{endpoint}"

    def leave(self, endpoint: str) -> str:
        return f"0::{endpoint}"

    def event(
        self, endpoint: str, name: str, args: tuple[Any, ...], number: int | None
    ) -> str:
        mark = "" if number is None else f"{number}+"
        return f"5:{mark}:{endpoint}:" + json.dumps({"name": name, "args": args})

    def ack(self, endpoint: str, number: int, args: tuple[Any, ...]) -> str:
        return f"6::{endpoint}:{number}" + (f"+{json.dumps(args)}" if args else "")

    def read(self, text: str) -> dict[str, Any]:
        kind, number, endpoint, *rest = text.split(":", 3)
        packet: dict[str, Any] = {"endpoint": endpoint}
        if number:
            packet["id"] = int(number.rstrip("+"))
        data = rest[0] if rest else ""
        if kind == "5":
            event = json.loads(data)
            packet |= {"name": event["name"], "args": event.get("args", [])}
        elif kind == "6":
            number, _, args = data.partition("+")
            packet |= {"number": int(number), "args": json.loads(args or "[]")}
        elif data:
            packet["data"] = data
        names = {"0": "disconnect", "1": "connect", "5": "event", "6": "ack"}
        names |= {"7": "refused", "3": "message", "8": "noop"}
        return {"type": names[kind], **packet}


class Dialect5(Dialect):
    """For clients 1.x and 2.x too, which are refused with any JSON."""

    def _head(self, kind: str, endpoint: str) -> str:
        return f"4{kind}{endpoint}," if endpoint else f"4{kind}"

    def connect(self, endpoint: str) -> str:
        return self._head("0", endpoint)

    def leave(self, endpoint: str) -> str:
        return self._head("1", endpoint)

    def event(
        self, endpoint: str, name: str, args: tuple[Any, ...], number: int | None
    ) -> str:
        mark = "" if number is None else str(number)
        return self._head("2", endpoint) + mark + json.dumps([name, *args])

    def ack(self, endpoint: str, number: int, args: tuple[Any, ...]) -> str:
        return self._head("3", endpoint) + str(number) + json.dumps(args)

    def read(self, text: str) -> dict[str, Any]:
        pattern = r"4([0-6])(?:(\d+)-)?(?:(/[^,]*),?)?(\d+)?(.*)"
        match = re.fullmatch(pattern, text, re.S)
        assert match is not None, f"no Socket.IO packet: {text!r}"
        kind, attachments, endpoint, number, data = match.groups()
        packet: dict[str, Any] = {"endpoint": endpoint or ""}
        if attachments:
            packet["attachments"] = int(attachments)
            kind = {"5": "2", "6": "3"}[kind]
        value = json.loads(data) if data else None
        if kind == "2":
            packet |= {"name": value[0], "args": value[1:]}
            if number:
                packet["id"] = int(number)
        elif kind == "3":
            packet |= {"number": int(number), "args": value}
        elif value is not None:
            packet["data"] = value
        names = {"0": "connect", "1": "disconnect", "2": "event", "3": "ack"}
        return {"type": names.get(kind, "refused"), **packet}
