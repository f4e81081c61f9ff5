"""The sockets of all processes, as they were told: what the UI shows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from .descriptions import moment
from .watched import Change

#: A namespace and the id of a socket.
Key = tuple[str, str]

#: The reason with which sockets of a process leave that is not heard any more.
GONE: Final = "the process has gone"


class Mirror:
    """The sockets of some processes.

    :param most: how many it has at most; others are left out.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._number = 0
        self._of: dict[str, dict[Key, dict[str, Any]]] = {}

    def __len__(self) -> int:
        return self._number

    def has(self, process: str) -> bool:
        """Whether there are sockets of a process."""
        return bool(self._of.get(process))

    def sockets(self) -> Iterator[dict[str, Any]]:
        """All sockets."""
        for sockets in self._of.values():
            yield from sockets.values()

    def clear(self) -> None:
        """Remove the sockets of all processes."""
        self._of.clear()
        self._number = 0

    def forget(self, process: str) -> list[Change]:
        """Remove the sockets of a process.

        :returns: the changes that tell the UI so.
        """
        sockets = self._of.pop(process, {})
        self._number -= len(sockets)
        changes: list[Change] = []
        now = moment(time.time())
        for (nsp, sid), socket in sockets.items():
            changes += [["room_left", nsp, room, sid, now] for room in socket["rooms"]]
            changes.append(["socket_disconnected", nsp, sid, GONE, now])
        return changes

    def apply(self, process: str, change: Change) -> bool:
        """Note a change.

        :returns: whether the UI is to be told.
        """
        event, *args = change
        if event == "socket_connected":
            return self._add(process, args[0])
        sockets = self._of.get(process, {})
        if event == "socket_disconnected":
            if sockets.pop((args[0], args[1]), None) is not None:
                self._number -= 1
        elif event == "socket_updated":
            socket = sockets.get((args[0]["nsp"], args[0]["id"]))
            if socket is None:
                return False
            socket.update(args[0])
        elif event in ("room_joined", "room_left"):
            nsp, room, sid, _ = args
            socket = sockets.get((nsp, sid))
            if socket is None:
                return False
            rooms = [each for each in socket["rooms"] if each != room]
            socket["rooms"] = [*rooms, room] if event == "room_joined" else rooms
        return True

    def _add(self, process: str, socket: dict[str, Any]) -> bool:
        sockets = self._of.setdefault(process, {})
        key = (socket["nsp"], socket["id"])
        if key not in sockets:
            if self._number >= self._most:
                return False
            self._number += 1
        sockets[key] = dict(socket)
        return True
