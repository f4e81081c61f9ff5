"""The sessions of a namespace, as records that one process has at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

from ...backends.redis_records import Records, Written
from ...engine.concurrency.failures import ERRORS
from ...engine.logs import get_logger
from ...engine.recovery.kept import Kept
from ...engine.recovery.recoverable import Recoverable
from ...wire.escape import escape
from ..sealed import BusMessageError, Seal
from ..throttle import ThrottledWarnings
from .texts import TooLarge, read_session, write_session

log = get_logger(__name__)

#: The characters of the longest session: rooms, channels, and what the application
#: keeps in the ``session`` of a connection.
MOST: Final = 256 * 1024


class SessionRecords:
    """Writes and reads sessions. Every method raises BackendError without Redis.

    :param records: where they are.
    :param kind: names the namespace among all of an application.
    :param secret: the key that signs sessions; empty when they are not signed.
    :param endpoint: the name of the namespace, for the log.
    """

    def __init__(self, records: Records, kind: str, secret: str, endpoint: str) -> None:
        self._records = records
        self._kind = kind
        self._secret = secret
        self._where = endpoint or "/"
        self._told = f"A client of {self._where} can recover in this process only:"
        self._warnings = ThrottledWarnings(log)

    def text_of(
        self, name: str, session: Recoverable, since: int, epoch: str
    ) -> str | None:
        """A session as it is written; None if other processes cannot have it.

        :param since: see :class:`.kept.Kept`; the session may have a higher one.
        :param epoch: that of the log.
        """
        try:
            kept = session.kept()
            kept = kept._replace(since=max(kept.since, since), epoch=epoch)
            return write_session(self._seal(name), kept, MOST)
        except TooLarge as error:
            self._warnings.warn("large", f"{self._told} {error}")
        except ERRORS as error:
            self._warnings.warn("failed", f"{self._told} {escape(error)}")
        return None

    def write(self, texts: Mapping[str, str], seconds: float) -> Written:
        """Write sessions; see :meth:`.Records.write`."""
        written = self._records.write(texts, seconds)
        for name in written.refused:
            reason = f"the key '{name}' has another type of value in Redis; delete it"
            self._warnings.warn("refused", f"{self._told} {reason}")
        return written

    def remove(self, names: Sequence[str]) -> None:
        """Remove sessions of this process."""
        self._records.remove(names)

    def owner(self, name: str) -> str | None:
        """The process that has a session; None if there is no such session."""
        record = self._records.read(name)
        return None if record is None else record.owner

    def find(self, name: str, user: object) -> str | None:
        """The process that has a session of a user.

        :returns: None if there is no such session, or it is another user's.
        """
        record = self._records.read(name)
        if record is None or self._read(name, record.text, user) is None:
            return None
        return record.owner

    def take(self, name: str, owner: str, user: object, seconds: float) -> Kept | None:
        """Take a session from the process that has it.

        :param owner: the id of that process.
        :param seconds: how long the session is valid from now on.
        :returns: None if that process does not have it any more.
        """
        text = self._records.take(name, owner, seconds)
        return None if text is None else self._read(name, text, user)

    def _read(self, name: str, text: str, user: object) -> Kept | None:
        try:
            kept = read_session(self._seal(name), text)
        except BusMessageError as error:
            log.warning("A session of %s is invalid: %s", self._where, error)
            return None
        if (type(kept.user), kept.user) != (type(user), user):
            log.info(
                "A client of %s is not recovered: its user is not the one it had",
                self._where,
            )
            return None
        return kept

    def _seal(self, name: str) -> Seal:
        return Seal(f"{self._kind} {name}", self._secret)


def name_of(pid: str) -> str:
    """The name of a session, from which nobody finds its pid."""
    return blake2b(pid.encode(), digest_size=16).hexdigest()
