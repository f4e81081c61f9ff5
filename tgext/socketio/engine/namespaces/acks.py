"""Acks: the callbacks that wait for a client to acknowledge a packet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from gevent.event import AsyncResult

from ..concurrency.failures import FAILURES, ConnectionLost, log_failure
from ..concurrency.heartbeat import Deadline, Wheel
from ..concurrency.interruption import Interrupted
from ..hub.account import Account
from ..hub.hub import Hub
from ..logs import get_logger
from .runner import EventRunner

log = get_logger(__name__)


class AckTimeout(Exception):
    """The client did not answer in time."""


class Awaited:
    """A callback that is told when no ack will come."""

    __slots__ = ()

    def release(self) -> None:
        """No ack will come."""
        raise NotImplementedError


class Expiring(Awaited):
    """A callback with a timeout.

    It is called once: with the arguments of the ack, or with an :class:`AckTimeout`.
    """

    def __init__(self, callback: Callable[..., Any], wheel: Wheel) -> None:
        self.__wrapped__ = callback
        self._wheel = wheel
        self._deadline: Deadline | None = None

    def start(self, seconds: float, expire: Callable[[], object]) -> None:
        """Call ``expire`` in ``seconds``, in the hub, unless there was an ack."""
        self._deadline = Deadline(expire)
        self._wheel.add(self._deadline, seconds)

    def __call__(self, *args: Any) -> Any:
        self.release()
        return self.__wrapped__(*args)

    def release(self) -> None:
        """Stop the timeout."""
        if self._deadline is not None:
            self._wheel.discard(self._deadline)
            self._deadline = None


class Call(Awaited):
    """A callback that a greenlet waits for."""

    def __init__(self) -> None:
        self._result: AsyncResult[Any] = AsyncResult()

    def __call__(self, *args: Any) -> None:
        self._result.set(args[0] if len(args) == 1 else args or None)

    def release(self) -> None:
        """Raise :class:`ConnectionLost` in the waiting greenlet."""
        self._result.set_exception(ConnectionLost("the connection ended"))

    def wait(self, seconds: float) -> Any:
        """Wait for the client's answer: None, a value, or a tuple of several.

        :raises AckTimeout: when it did not answer within ``seconds``.
        :raises ConnectionLost: when the connection ended.
        """
        if not self._result.wait(seconds) and not self._result.ready():
            raise AckTimeout(f"no ack within {seconds} s")
        return self._result.get()


class Reads(Protocol):
    """What reads the client's messages."""

    def expect_ack(self) -> None:
        """The client is about to be asked for an ack; a handler may wait for it."""


class Asked(Protocol):
    """A client that is asked for acks.

    :ivar account: limits the number of pending acks.
    :ivar runner: runs the application's functions.
    :ivar hub: has the timer wheel.
    """

    acks: AckBook
    account: Account
    runner: EventRunner
    hub: Hub

    @property
    def transport(self) -> Reads | None: ...

    @property
    def ended(self) -> bool:
        """Whether the connection has ended: then no ack will come."""

    def start_own_job(self, function: Callable[..., Any], *args: Any) -> None:
        """Run a function in a greenlet, unless the connection has ended."""


def save(
    client: Asked, msgid: int, callback: Callable[..., Any], owner: object = None
) -> None:
    """Keep a callback until the ack comes, or its owner, a namespace, ends.

    :raises LimitExceeded: when ``max_pending_acks`` acks are pending already.
    """
    if client.ended:
        release(callback)
        return
    client.account.check("max_pending_acks", len(client.acks))
    client.acks.add(msgid, callback, owner)
    if client.transport is not None:
        client.transport.expect_ack()


def expire(
    client: Asked,
    msgid: int,
    callback: Callable[..., Any],
    seconds: float,
    owner: object = None,
) -> None:
    """Keep a callback that is called with an :class:`AckTimeout` in ``seconds``.

    :raises LimitExceeded: when ``max_pending_acks`` acks are pending already.
    """
    expiring = Expiring(callback, client.hub.timers)
    save(client, msgid, expiring, owner)
    if msgid in client.acks.callbacks:
        expiring.start(seconds, partial(_expired, client, msgid, seconds))


def _expired(client: Asked, msgid: int, seconds: float) -> None:
    callback = client.acks.pop(msgid)
    if callback is not None:
        timeout = AckTimeout(f"no ack within {seconds} s")
        client.start_own_job(_tell_of_timeout, client, callback, timeout)


def _tell_of_timeout(
    client: Asked, callback: Callable[..., Any], timeout: AckTimeout
) -> None:
    try:
        client.runner.run(callback, timeout)
    except Interrupted:
        raise
    except FAILURES:
        log_failure(log, "The callback of an ack failed after the timeout")


class AckBook:
    """The callbacks that wait for the acks of one client, by packet id.

    :ivar callbacks: the callback of each packet id.
    :ivar owners: the namespace that expects the ack, for the packet ids that have one.
    """

    __slots__ = ("_last", "callbacks", "owners")

    def __init__(self) -> None:
        self.callbacks: dict[int, Callable[..., Any]] = {}
        self.owners: dict[int, object] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self.callbacks)

    def next_id(self) -> int:
        """An id for a packet that asks for an ack; unique in the connection."""
        self._last += 1
        return self._last

    def add(
        self, msgid: int, callback: Callable[..., Any], owner: object = None
    ) -> None:
        """Keep a callback until it is popped, or its owner, a namespace, ends."""
        self.callbacks[msgid] = callback
        if owner is not None:
            self.owners[msgid] = owner

    def pop(self, msgid: int) -> Callable[..., Any] | None:
        """Remove a callback and return it; None if there is none."""
        self.owners.pop(msgid, None)
        return self.callbacks.pop(msgid, None)

    def pop_of(self, namespace: object, msgid: int) -> Callable[..., Any] | None:
        """As :meth:`pop`; also None if another namespace expects the ack."""
        ours = self.owners.get(msgid, namespace) is namespace
        callback = self.pop(msgid) if ours else None
        if callback is None:
            log.debug("Nothing waits for the ack with id %s", msgid)
        return callback

    def release(self, owner: object = None) -> None:
        """Remove the callbacks of a namespace that ended, or of a whole connection.

        A greenlet that waits for one of them gets an error; see :func:`release`.

        :param owner: the namespace; None for all callbacks.
        """
        for msgid in list(self.callbacks):
            if owner is None or self.owners.get(msgid) is owner:
                release(self.pop(msgid))


def release(callback: Callable[..., Any] | None) -> None:
    """Stop the timeout of a callback, or wake its greenlet: no ack will come."""
    if isinstance(callback, Awaited):
        callback.release()


class AckNames:
    """gevent-socketio's names for the acks of a socket."""

    @property
    def ack_callbacks(self: Any) -> dict[int, Callable[..., Any]]:
        """The callbacks that wait for acks, by packet id."""
        callbacks: dict[int, Callable[..., Any]] = self.acks.callbacks
        return callbacks

    def _get_next_msgid(self: Any) -> int:
        number: int = self.acks.next_id()
        return number

    def _save_ack_callback(self: Any, msgid: int, callback: Callable[..., Any]) -> None:
        save(self, msgid, callback)

    def _pop_ack_callback(self: Any, msgid: int) -> Callable[..., Any] | None:
        callback: Callable[..., Any] | None = self.acks.pop(msgid)
        return callback
