"""Calls the method of an event, or refuses the event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ClassVar, Protocol

from ...wire.socketio.packet import Packet
from ..logs import get_logger
from .client import Candidate, Client
from .errors import ConnectionRefused
from .events import CATCH_ALL
from .handlers import NO_SELF, Handler, Handlers, NoSelf

log = get_logger(__name__)

#: What gevent-socketio tells a client.
_UNALLOWED = "name must only contains alpha numerical characters"


class Callee(Protocol):
    """A namespace, as this module uses it."""

    _tgsio_candidate: Candidate | None
    unallowed_event_name_error: bool
    _tgsio_handlers: ClassVar[Handlers]

    @property
    def socket(self) -> Client: ...

    def recv_connect(self) -> Any: ...

    def error(
        self, error_name: str, error_message: Any, *, quiet: bool = False
    ) -> None: ...

    def _tgsio_call(
        self, handler: Handler, method: Callable[..., Any], args: tuple[Any, ...]
    ) -> Any: ...


def steps_of(cls: Any) -> tuple[Any, ...]:
    """The steps from an event to its method, which an application may override.

    :param cls: a class of namespaces.
    """
    return cls.call_method_with_acl, cls.is_method_allowed, cls.call_method


def refuse(namespace: Callee, packet: Packet, name: str, info: Any) -> None:
    """Tell the client that its event was refused, with an error and in the ack.

    :param name: the error's name.
    :param info: its description; a dict of descriptions by field, for validation.
    :raises ConnectionRefused: when the packet is not an event, but asks to connect.
    """
    candidate = namespace._tgsio_candidate
    if packet.get("type") == "connect" and candidate is not None:
        with candidate.deciding():
            if isinstance(info, str):
                raise ConnectionRefused(info)
            raise ConnectionRefused("; ".join(map(str, info.values())), info)
    packet["refusal"] = name, info
    namespace.error(name, info)


def refuse_name(namespace: Callee, packet: Packet) -> None:
    """Refuse an event whose name no method can have; see :class:`AccessList`."""
    name, info = "unallowed_event_name", _UNALLOWED
    if namespace.unallowed_event_name_error or (
        not namespace.socket.generation.acks_tell
    ):
        return refuse(namespace, packet, name, info)
    packet["refusal"] = name, info
    return namespace.error(name, info, quiet=True)


def caught(
    namespace: Callee, name: str, method_name: str, args: Sequence[Any]
) -> tuple[str, Sequence[Any]]:
    """What a namespace with a method for all other events calls for an event.

    :param method_name: the method of the event; empty when no method has its name.
    :returns: the name of the method, and its arguments.
    """
    other = method_name and method_name != CATCH_ALL and method_name != "on_message"
    if method_name == "on_message" or (other and hasattr(namespace, method_name)):
        return method_name, args
    return CATCH_ALL, (name, *args)


def decides(namespace: Callee, method: Callable[..., Any]) -> bool:
    """Whether a method decides if the client is admitted."""
    return namespace._tgsio_candidate is not None and method == namespace.recv_connect


def deciding(namespace: Callee, method: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a method that decides: its exceptions refuse the client.

    They do so even if an ``exception_handler_decorator`` around it catches them. Other
    methods are returned unchanged.
    """
    candidate = namespace._tgsio_candidate
    if candidate is None or not decides(namespace, method):
        return method

    @wraps(method)
    def decide(*args: Any, **kwargs: Any) -> Any:
        with candidate.deciding():
            return method(*args, **kwargs)

    return decide


def call_method(
    namespace: Callee, method_name: str, packet: Packet, args: tuple[Any, ...]
) -> Any:
    """Call a method of a namespace with the packet or the arguments.

    :returns: what the method returned; None when the client was told why it was not
        called.
    """
    candidate = namespace._tgsio_candidate
    if candidate is None or packet.get("type") != "connect":
        return _call_method(namespace, method_name, packet, args)
    with candidate.deciding():
        return _call_method(namespace, method_name, packet, args)


def _call_method(
    namespace: Callee, method_name: str, packet: Packet, args: tuple[Any, ...]
) -> Any:
    method = getattr(namespace, method_name, None)
    if method is None:
        info = f'The method "{method_name}" was not found'
        return refuse(namespace, packet, "no_such_method", info)
    try:
        handler = namespace._tgsio_handlers.of(method_name, method)
    except NoSelf as error:
        log.error("%s: %s", type(namespace).__name__, error)
        return refuse(namespace, packet, "invalid_method_args", NO_SELF)
    if handler.wants_packet:
        args = (packet,)
    if not handler.required <= len(args) <= handler.most:
        mismatch = handler.mismatch(args)
        return refuse(namespace, packet, "invalid_method_args", mismatch)
    return namespace._tgsio_call(handler, method, args)
