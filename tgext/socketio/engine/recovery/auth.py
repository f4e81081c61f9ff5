"""The auth payload of a client that is back: it has a pid and a position."""

from __future__ import annotations

from typing import Any, Final

#: The keys of an auth payload that belong to recovery, and the length of a pid.
PID: Final = "pid"
OFFSET: Final = "offset"
PID_LENGTH: Final = 22


def without_pid(auth: Any) -> Any:
    """An auth payload as the application gets it.

    A client that is back adds a pid and a position to the payload. The pid is a secret.
    """
    if not pid_of(auth):
        return auth
    rest = {name: each for name, each in auth.items() if name not in (PID, OFFSET)}
    return rest or None


def pid_of(auth: Any) -> str:
    """The pid in an auth payload; empty without one."""
    pid = auth.get(PID) if isinstance(auth, dict) else None
    if isinstance(pid, str) and len(pid) == PID_LENGTH and pid.isascii():
        return pid
    return ""
