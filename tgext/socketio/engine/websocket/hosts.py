"""What plain WebSockets need of the server and of the handler of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ...wire.limits import Limits
from ...wire.origin import Origins
from ..concurrency.heartbeat import Wheel
from ..hub.places import Place
from ..io.backlog import OutputBounds
from ..io.output import Batcher


class StreamHost(Protocol):
    """What the stream of a connection needs of its server."""

    @property
    def batcher(self) -> Batcher: ...

    @property
    def output_bounds(self) -> OutputBounds: ...

    @property
    def ping_timeout(self) -> float:
        """Seconds in which a ping must be answered."""

    @property
    def wheel(self) -> Wheel: ...


class Host(StreamHost, Protocol):
    """The server."""

    interrupted: int

    @property
    def allowed_origins(self) -> Origins: ...

    @property
    def application(self) -> Callable[..., Any]: ...

    @property
    def heartbeat_interval(self) -> float: ...

    @property
    def limits(self) -> Limits: ...

    @property
    def opening_environ(self) -> Mapping[str, Any]: ...

    @property
    def shutdown_timeout(self) -> float: ...

    def reserve(self, address: str) -> Place: ...

    def remember_websocket(self, websocket: Any, place: Place) -> None: ...

    def forget_websocket(self, websocket: Any) -> None: ...


class Request(Protocol):
    """The handler of the request that asks for a WebSocket."""

    close_connection: bool
    ending: str

    @property
    def headers_sent(self) -> bool: ...

    @property
    def server(self) -> Host: ...

    def switch_protocols(
        self, key: str, headers: list[tuple[str, str]]
    ) -> tuple[Any, bytes]: ...
