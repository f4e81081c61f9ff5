"""What plain WebSockets need from the server and from the handler of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ..hub.hub import Hub


class Host(Protocol):
    """The server.

    :ivar hub: what the connections share.
    """

    @property
    def hub(self) -> Hub: ...

    @property
    def application(self) -> Callable[..., Any]: ...

    @property
    def opening_environ(self) -> Mapping[str, Any]: ...


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
