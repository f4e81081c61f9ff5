"""A process without clients that asks those that have some: a script, or a worker."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..backends.channelnames import OwnName
from ..engine.logs import get_logger
from ..wire.escape import escape
from .peers import ANSWER, GUEST, peers_channel
from .sealed import BusMessageError, Seal, field_of, sender_of

if TYPE_CHECKING:
    from anypubsub.interfaces import PubSub

log = get_logger(__name__)


@runtime_checkable
class Conversing(Protocol):
    """A backend by which any process can ask, without listening for ever."""

    def converse(
        self,
        own: str,
        channel: str,
        message: str,
        seconds: float,
        heard: Callable[[bytes], int],
    ) -> int:
        """Publish a message, and call a function with each answer.

        :param own: the channel of the answers.
        :param heard: returns how many answers have come so far.
        :returns: how many processes received the message; returns when as many have
            answered, or the time is over.
        """


class Guest:
    """Asks the processes of a cluster, and is none of them.

    :param backend: carries the messages.
    :param channel: the channel of the cluster.
    :param secret: the key that signs messages; empty when they are not signed.
    """

    def __init__(self, backend: PubSub, channel: OwnName, secret: str = "") -> None:
        self.id = f"{GUEST}{secrets.token_hex(8)}"
        self._backend = backend
        self._channel = peers_channel(channel)
        self._own = OwnName(f"{self._channel}/{self.id}")
        self._seal = Seal(self._channel, secret)
        self._own_seal = Seal(self._own, secret)
        self._told: dict[str, Callable[[str, Any], object]] = {}

    def on(self, kind: str, told: Callable[[str, Any], object]) -> None:
        """Call a function with the messages of a kind that come before an answer."""
        self._told[kind] = told

    def ask(self, kind: str, data: Any, timeout: float) -> dict[str, Any]:
        """Ask all processes; returns when all have answered, or after the timeout.

        :returns: the answers by the ids of the processes; none when the backend cannot
            carry them: the question is sent then.
        :raises BackendError: when the broker does not accept the question.
        """
        number = secrets.token_hex(8)
        message = {"from": self.id, "kind": kind, "data": [number, data]}
        answers: dict[str, Any] = {}
        text = self._seal.write(message)
        if isinstance(self._backend, Conversing):

            def heard(raw: bytes) -> int:
                self._hear(raw, number, answers)
                return len(answers)

            self._backend.converse(self._own, self._channel, text, timeout, heard)
        else:
            self._backend.publish(self._channel, text)
        return answers

    @property
    def is_answered(self) -> bool:
        """Whether the backend can carry answers."""
        return isinstance(self._backend, Conversing)

    def _hear(self, raw: bytes, number: str, answers: dict[str, Any]) -> None:
        try:
            message = self._own_seal.read(raw)
            sender, kind = sender_of(message), field_of(message, "kind", str)
            data = message.get("data")
            if kind != ANSWER:
                told = self._told.get(kind)
                if told is not None:
                    told(sender, data)
            elif isinstance(data, list) and len(data) == 2 and data[0] == number:
                answers[sender] = data[1]
        except BusMessageError as error:
            log.warning("Skipped a message of %s: %s", self._own, escape(error))
