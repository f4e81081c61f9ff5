"""What waits for the acks of a client."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

from gevent.event import AsyncResult

from ..concurrency.failures import FAILURES, ConnectionLost, log_failure
from ..concurrency.heartbeat import Deadline, Wheel
from ..concurrency.interruption import Interrupted
from ..hub.account import Account
from ..logs import get_logger

log = get_logger(__name__)


class AckTimeout(Exception):
    """The client did not answer in time."""


class Expiring:
    """A callback that is told when no ack comes in time.

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
        """The connection ended: nobody will be told."""
        if self._deadline is not None:
            self._wheel.discard(self._deadline)
            self._deadline = None


class Call:
    """A callback that its greenlet waits for."""

    def __init__(self) -> None:
        self._result: AsyncResult[Any] = AsyncResult()

    def __call__(self, *args: Any) -> None:
        self._result.set(args[0] if len(args) == 1 else args or None)

    def release(self) -> None:
        """The connection ended: whoever waits is told."""
        self._result.set_exception(ConnectionLost("the connection ended"))

    def wait(self, seconds: float) -> Any:
        """What the client answered: nothing, a value, or a tuple of several.

        :raises AckTimeout: when it did not within ``seconds``.
        :raises ConnectionLost: when the connection ended.
        """
        if not self._result.wait(seconds) and not self._result.ready():
            raise AckTimeout(f"no ack within {seconds} s")
        return self._result.get()


class AckBook:
    """The callbacks that wait for the acks of one client, by packet id.

    The part of a :class:`~tgext.socketio.engine.virtsocket.Socket` that has
    gevent-socketio's names for them.
    """

    def __init__(self) -> None:
        self.ack_callbacks: dict[int, Callable[..., Any]] = {}
        self._ack_counter = itertools.count(1)
        #: By packet id, the namespace that expects the ack.
        self._ack_owners: dict[int, object] = {}

    def _get_next_msgid(self) -> int:
        return next(self._ack_counter)

    def _save_ack_callback(
        self, msgid: int, callback: Callable[..., Any], owner: object = None
    ) -> None:
        """Keep a callback until the ack comes, or its owner, a namespace, ends."""
        if self._ended():
            _release(callback)
            return
        self.account.check("max_pending_acks", len(self.ack_callbacks))
        self.ack_callbacks[msgid] = callback
        if owner is not None:
            self._ack_owners[msgid] = owner
        self._ack_expected()

    def _take_ack_callback(
        self, msgid: int, namespace: object
    ) -> Callable[..., Any] | None:
        """The callback that a client acks in a namespace; None if it is not its."""
        if self._ack_owners.get(msgid, namespace) is not namespace:
            return None
        return self._pop_ack_callback(msgid)

    def _pop_ack_callback(self, msgid: int) -> Callable[..., Any] | None:
        self._ack_owners.pop(msgid, None)
        return self.ack_callbacks.pop(msgid, None)

    def _expire_ack(
        self,
        msgid: int,
        callback: Callable[..., Any],
        wheel: Wheel,
        seconds: float,
        owner: object = None,
    ) -> None:
        expiring = Expiring(callback, wheel)
        self._save_ack_callback(msgid, expiring, owner)
        if msgid in self.ack_callbacks:
            expiring.start(seconds, partial(self._ack_expired, msgid, seconds))

    def _ack_expired(self, msgid: int, seconds: float) -> None:
        callback = self._pop_ack_callback(msgid)
        if callback is not None:
            timeout = AckTimeout(f"no ack within {seconds} s")
            self._start_own_job(self._tell_of_timeout, callback, timeout)

    def _tell_of_timeout(
        self, callback: Callable[..., Any], timeout: AckTimeout
    ) -> None:
        try:
            self.around(callback, timeout)
        except Interrupted:
            raise
        except FAILURES:
            log_failure(log, "A callback failed that was told of a timeout")

    def _release_acks(self, owner: object = None) -> None:
        """The connection ended, or a namespace: let go of all callbacks, or of its."""
        owners = self._ack_owners
        for msgid in list(self.ack_callbacks):
            if owner is None or owners.get(msgid) is owner:
                _release(self._pop_ack_callback(msgid))

    account: Account

    #: Runs what the application defined.
    around: Callable[..., Any]

    #: Runs a function in a greenlet that ends with the connection.
    _start_own_job: Callable[..., None]

    @abstractmethod
    def _ended(self) -> bool:
        """Whether no ack can come any more."""

    @abstractmethod
    def _ack_expected(self) -> None:
        """The client is about to be asked for an ack."""


def _release(callback: Callable[..., Any] | None) -> None:
    if isinstance(callback, (Call, Expiring)):
        callback.release()
