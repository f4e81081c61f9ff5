"""The processes that serve one application, which know of each other.

Each process sends a heartbeat on a channel of the cluster, listens to that channel, and
to one of its own for what only it is told. A process that is silent for three
intervals, or says that it ends, is no peer any more.

Consistency: a message to the others arrives at most once, in the order of its sender.
Messages that are sent while the broker is lost are lost; whoever needs more reads the
state again when :attr:`Peers.returned` is called.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import gevent

from ..backends.channelnames import OwnName
from ..backends.errors import BackendError
from ..backends.together import Together
from ..engine.concurrency.failures import ERRORS, log_failure
from ..engine.logs import get_logger
from ..wire.escape import escape
from .channels import Channels
from .questions import Question
from .sealed import BusMessageError, Seal, field_of, sender_of
from .throttle import ThrottledWarnings

log = get_logger(__name__)

#: Seconds between two heartbeats.
INTERVAL: Final = 2.0
#: A process that is silent for so many intervals is gone.
MISSED: Final = 3
#: Seconds in which the broker must accept the message that this process ends.
_FAREWELL: Final = 1.0

#: The kinds of this module's own messages.
_BEAT, _HELLO, _END, ANSWER = "beat", "hello", "end", "answer"

#: What the id of a sender begins with that asks, and is no process of the cluster.
GUEST: Final = "guest-"

#: Called with the id of a process and what it sent. It must not block.
Told = Callable[[str, Any], object]


def peers_channel(channel: OwnName) -> OwnName:
    """The channel that all processes of a cluster listen to.

    :param channel: the channel of the cluster.
    """
    return OwnName(f"{channel}/peers")


class Peers:
    """The other processes that serve an application.

    :param channels: their backend carries the messages.
    :param channel: the channel of the cluster.
    :param secret: the key that signs messages; empty when they are not signed.
    :param interval: seconds between two heartbeats.
    :param now: returns the time in seconds.

    :ivar channels: carry the messages.
    :ivar id: the id of this process, another one each time it starts.
    :ivar heard: when it last heard its own heartbeat: whether the broker delivers.
    :ivar lag: seconds that its last heartbeat was under way.
    """

    def __init__(
        self,
        channels: Channels,
        channel: OwnName,
        secret: str = "",
        interval: float = INTERVAL,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.id = secrets.token_hex(8)
        self.interval = interval
        self.heard = now()
        self._beaten = self.lag = 0.0  # the first: when a beat was sent, if not heard
        self._now = now
        self.channels = channels
        self._channel = peers_channel(channel)
        self._secret = secret
        self._seal = Seal(self._channel, secret)
        self._own = OwnName(f"{self._channel}/{self.id}")
        self._hear_own = partial(self._hear, Seal(self._own, secret))
        self._hear_all = partial(self._hear, self._seal)
        self._told: dict[str, Told] = {}
        self._questions: dict[str, Question] = {}
        #: The time at which each peer was heard last.
        self._alive: dict[str, float] = {}
        #: Called with the id of a process that has come, or has gone.
        self.came: list[Callable[[str], object]] = []
        self.gone: list[Callable[[str], object]] = []
        #: Called when the broker delivers again after a pause: messages were lost.
        self.returned: list[Callable[[], object]] = []
        self._holders = 0
        self._starting = Together()
        self._warnings = ThrottledWarnings(log)
        self._beating: Any = None

    # Life

    def hold(self) -> None:
        """Listen to the peers, and tell them that this process is there.

        Each call needs one of :meth:`release`.

        :raises BackendError: when the backend cannot subscribe.
        """
        while self._beating is None:
            self._starting.do(self._start)
        self._holders += 1

    def release(self) -> None:
        """End a :meth:`hold`; with the last, stop listening and tell the peers so."""
        self._holders -= 1
        if not self._holders:
            self._stop()

    def _start(self) -> None:
        feed = self.channels.feed
        feed.listen(self._own, self._hear_own)
        try:
            feed.listen(self._channel, self._hear_all)
        except BaseException:
            feed.unlisten(self._own, self._hear_own)
            raise
        self.heard = self._now()
        self._beating = gevent.spawn(self._beat_on)
        self._try_to_tell(_HELLO)

    def _stop(self) -> None:
        self._beating.kill(block=False)
        self._beating = None
        self.channels.feed.unlisten(self._own, self._hear_own)
        self.channels.feed.unlisten(self._channel, self._hear_all)
        self._alive.clear()  # the end of others is not heard, and nor are answers
        for each in self._questions.values():
            each.done.set()
        with gevent.Timeout(_FAREWELL, False):  # type: ignore[arg-type]
            self._try_to_tell(_END)

    def _beat_on(self) -> None:
        while True:
            gevent.sleep(self.interval)
            self.beat()

    def beat(self) -> None:
        """Send a heartbeat, and forget peers that were silent for too long.

        While this process does not hear itself, the broker is lost or behind, and
        nobody is forgotten: their heartbeats would not arrive either.
        """
        self._beaten = self._beaten or self._now()
        self._try_to_tell(_BEAT)
        now = self._now()
        if now - self.heard > MISSED * self.interval:
            return
        for peer, heard in list(self._alive.items()):
            if now - heard > MISSED * self.interval:
                self._forget(peer)

    # What is known

    @property
    def alive(self) -> set[str]:
        """The ids of the other processes."""
        return set(self._alive)

    # Messages

    def on(self, kind: str, told: Told) -> None:
        """Call a function with each message of a kind: the sender's id, and its data.

        The data is anything that JSON can carry, and has to be checked.
        """
        self._told[kind] = told

    def tell(self, kind: str, data: Any = None, to: str = "") -> object:
        """Send a message to all other processes, or to one.

        :param to: the id of the process; empty for all.
        :returns: how many have received it, if the broker knows; this one counts too.
        :raises TypeError: when the data cannot be written as JSON.
        :raises BackendError: when the broker does not accept the message.
        """
        channel = OwnName(f"{self._channel}/{to}") if to else self._channel
        seal = Seal(channel, self._secret) if to else self._seal
        message = {"from": self.id, "kind": kind, "data": data}
        return self.channels.backend.publish(channel, seal.write(message))

    def answer(self, kind: str, function: Callable[[Any], Any]) -> None:
        """Answer questions of a kind with what a function returns for their data.

        It is called in a greenlet of its own, and may block. Without an answer (an
        exception, which is logged) the question ends at its timeout.
        """
        self.on(kind, partial(self._asked, function))

    def ask(self, kind: str, data: Any, timeout: float) -> dict[str, Any]:
        """Ask all other processes.

        Returns when each of them has answered or is gone, or after the timeout.

        :param timeout: seconds to wait for the answers.
        :returns: the answers by the ids of the processes that gave one in time.
        :raises BackendError: when the broker does not accept the question.
        """
        if not self._alive:
            return {}
        number = secrets.token_hex(8)
        question = self._questions[number] = Question(self.alive)
        try:
            self.tell(kind, [number, data])
            question.done.wait(timeout)
        finally:
            del self._questions[number]
        return question.answers

    def ask_one(self, peer: str, kind: str, data: Any, timeout: float) -> Any:
        """Ask one process.

        :param peer: its id. It need not be alive.
        :param timeout: seconds to wait for its answer.
        :returns: its answer; None if it gives none in time.
        :raises LookupError: when nobody hears the question: the process is gone.
        :raises BackendError: when the broker does not accept the question.
        """
        number = secrets.token_hex(8)
        question = self._questions[number] = Question({peer})
        try:
            # Redis says how many have it: none when the process was killed.
            if self.tell(kind, [number, data], peer) == 0:
                raise LookupError(f"process {peer} is gone")
            question.done.wait(timeout)
        finally:
            del self._questions[number]
        return question.answers.get(peer)

    # What arrives

    def _hear(self, seal: Seal, data: Any) -> None:
        try:
            message = seal.read(data)
            sender = sender_of(message)
            if not sender:
                raise BusMessageError("its sender has no id")
            kind: str = field_of(message, "kind", str)
        except BusMessageError as error:
            shown = escape(data) if isinstance(data, (str, bytes)) else ""
            text = f"Skipped a message of {self._channel}: {escape(error)}: {shown}"
            self._warnings.warn(error.kind, text)
            return
        if sender == self.id:
            self._hear_own_beat(kind)
            return
        if not sender.startswith(GUEST):
            self._note(sender, kind)
        self._handle(sender, kind, message.get("data"))

    def _hear_own_beat(self, kind: str) -> None:
        now = self._now()
        if kind == _BEAT and self._beaten:
            self.lag, self._beaten = now - self._beaten, 0.0
        paused = now - self.heard > MISSED * self.interval
        self.heard = now
        if paused:
            # The heartbeats of the others are on their way too.
            self._alive = dict.fromkeys(self._alive, now)
            self._call(self.returned)

    def _note(self, sender: str, kind: str) -> None:
        if kind == _END:
            self._forget(sender)
            return
        new = sender not in self._alive
        self._alive[sender] = self._now()
        if new:
            log.info("Process %s has joined the cluster", escape(sender))
            self._call(self.came, sender)
        if kind == _HELLO:
            # The new process learns of this one at once.
            gevent.spawn(self._try_to_tell, _BEAT, sender)

    def _handle(self, sender: str, kind: str, data: Any) -> None:
        if kind == ANSWER:
            self._take_answer(sender, data)
            return
        told = self._told.get(kind)
        if told is None:
            return  # of another version, or of a part that this process does not use
        try:
            told(sender, data)
        except ERRORS as error:
            text = f"A message {escape(kind)} of a process failed: {escape(error)}"
            self._warnings.warn("failed", text)

    def _asked(self, function: Callable[[Any], Any], sender: str, data: Any) -> None:
        if not (isinstance(data, list) and len(data) == 2 and isinstance(data[0], str)):
            raise BusMessageError("a question is invalid")
        gevent.spawn(self._give_answer, function, sender, *data)

    def _give_answer(
        self, function: Callable[[Any], Any], sender: str, number: str, data: Any
    ) -> None:
        try:
            self.tell(ANSWER, [number, function(data)], sender)
        except (TypeError, ValueError) as error:
            text = f"A question of a process is invalid: {escape(error)}"
            self._warnings.warn("a question", text)
        except ERRORS:
            log_failure(log, "A question of another process was not answered")

    def _take_answer(self, sender: str, data: Any) -> None:
        if isinstance(data, list) and len(data) == 2 and isinstance(data[0], str):
            question = self._questions.get(data[0])
            if question is not None:
                question.take(sender, data[1])

    def _forget(self, peer: str) -> None:
        if self._alive.pop(peer, None) is None:
            return
        log.info("Process %s has left the cluster", escape(peer))
        for question in list(self._questions.values()):
            question.drop(peer)
        self._call(self.gone, peer)

    def _call(self, functions: Sequence[Callable[..., object]], *args: str) -> None:
        for each in list(functions):
            try:
                each(*args)
            except ERRORS:
                log_failure(log, "A change of the cluster's processes failed")

    def _try_to_tell(self, kind: str, to: str = "") -> None:
        try:
            self.tell(kind, None, to)
        except BackendError as error:
            log.debug("A heartbeat was not sent: %s", error)
