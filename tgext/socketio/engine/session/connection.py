"""What the parts of a session need from the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from gevent import Greenlet

from ...wire.json import Loads
from ...wire.socketio.encoded import Encoded
from ...wire.socketio.packet import Packet
from ...wire.socketio.reasons import SERVER_LEFT
from ..hub.registry import Endable
from ..io.outbox import Outbox
from ..namespaces.base import BaseNamespace
from ..namespaces.client import Client
from ..recovery.recoverable import Recoverable
from .factories import Factory
from .transport import Transport


class Decoding(Protocol):
    """The decoder of a session."""

    def take(self, message: str | bytes) -> Packet | None: ...

    def clear(self) -> None: ...

    def let_go(self) -> None: ...


class Dispatching(Protocol):
    """The dispatcher of a session."""

    def receive(self, message: str | bytes) -> None: ...

    def handle(self, packet: Packet) -> None: ...

    def fail(self, packet: Packet, error_name: str, error_message: Any) -> None: ...

    def let_go(self) -> None: ...


class Admitting(Protocol):
    """The admission of a session."""

    @property
    def asking(self) -> Mapping[str, object]: ...

    def dispatch(self, packet: Packet) -> None: ...

    def send(self, encoded: Encoded, endpoint: str, kind: str = "event") -> None: ...

    def telling(self) -> AbstractContextManager[None]: ...

    def end(self) -> None: ...

    def let_go(self) -> None: ...


class Connection(Client, Endable, Protocol):
    """A session, as its parts see it: :class:`~.session.Socket`."""

    GLOBAL_NS: str
    STATE_CONNECTED: str
    STATE_DISCONNECTED: str
    state: str
    jobs: list[Greenlet[..., Any]]
    environ: dict[str, Any] | None
    request: Any
    namespaces: Mapping[str, Factory] | None
    active_ns: dict[str, BaseNamespace]
    error_handler: Callable[..., Any]
    json_loads: Loads
    disconnect_reason: str | None
    outbox: Outbox | None
    transport: Transport | None
    recovering: Mapping[str, Recoverable] | None
    _ending: Any

    @property
    def assembler(self) -> Decoding: ...

    @property
    def dispatcher(self) -> Dispatching: ...

    @property
    def admission(self) -> Admitting: ...

    @property
    def connected(self) -> bool: ...

    @property
    def log_name(self) -> str: ...

    def find_outbox(self) -> None: ...

    def kill(
        self, detach: bool = False, reason: str = SERVER_LEFT, code: int = 1000
    ) -> None: ...

    def _tgsio_give_up(self, reason: str) -> Greenlet[..., Any] | None: ...

    def wait_for_room(self) -> None: ...

    def detach(self) -> None: ...
