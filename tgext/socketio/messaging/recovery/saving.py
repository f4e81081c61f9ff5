"""Writes the sessions of a process where all processes find them.

A text that is there already is not written again: its record is renewed. This tells,
too, whether another process has taken the session.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

from ...engine.recovery.recoverable import Recoverable
from ...engine.recovery.states import State
from .records import SessionRecords, name_of

#: Sessions that are written at once.
AT_ONCE: Final = 100

#: A session that other processes cannot have is looked at again when this many times as
#: long has passed as looking took, and when its client goes.
SELDOM: Final = 100

#: The least of these seconds.
PAUSE: Final = 1.0

#: The states in which a session can be taken.
_WRITTEN: Final = (State.IN, State.GONE, State.MOVED)


class Saving:
    """The sessions of one namespace in this process, as other processes find them.

    :param records: where they are written.
    :param prepare: called with a session before it becomes text. It may block.
    :param lost: called with a session that another process has taken.
    :param window: seconds for which the session of a client that has gone is kept.
    :param lasting: those for which that of a connected client is.
    :param now: returns the time in seconds.
    """

    def __init__(
        self,
        records: SessionRecords,
        prepare: Callable[[Recoverable], object],
        lost: Callable[[Recoverable], object],
        window: float,
        lasting: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records = records
        self._prepare = prepare
        self._lost = lost
        self._window = window
        self._lasting = lasting
        self._now = now
        self._names: dict[Recoverable, str] = {}
        self._by_name: dict[str, Recoverable] = {}
        self._changed: dict[Recoverable, None] = {}
        self._removed: dict[str, None] = {}
        #: Sessions of connected clients, by when their texts were written.
        self._written: OrderedDict[Recoverable, float] = OrderedDict()
        #: The hashes of texts that Redis has.
        self._there: dict[Recoverable, int] = {}
        #: When sessions are looked at again that other processes cannot have.
        self._not_before: dict[Recoverable, float] = {}
        #: Up to these numbers, messages for single clients are in this process alone.
        self._since: dict[Recoverable, int] = {}

    @property
    def has_changed(self) -> bool:
        """Whether something is to be written."""
        return bool(self._changed or self._removed)

    def name_of(self, session: Recoverable) -> str | None:
        """The name of a session; None if it is none of these."""
        return self._names.get(session)

    def named(self, name: object) -> Recoverable | None:
        """The session with a name."""
        return self._by_name.get(name)  # type: ignore[call-overload, no-any-return]

    def save(self, session: Recoverable) -> None:
        """A session has changed."""
        if session not in self._names:
            name = name_of(session.pid)
            self._names[session] = name
            self._by_name[name] = session
            self._removed.pop(name, None)  # the client has been elsewhere, and is back
        due = self._not_before.get(session, 0.0)
        if session.state is not State.IN or self._now() >= due:
            self._changed[session] = None

    def save_all(self) -> None:
        """All sessions have changed."""
        self._changed.update(dict.fromkeys(self._names))

    def doubt(self) -> None:
        """Redis may have lost what was written last."""
        self._there.clear()

    def keep_here(self, sid: str, number: int) -> None:
        """A client recovers here only, unless it has received all up to a number.

        :param sid: its public id.
        """
        for session in [each for each in self._names if each.sid == sid]:
            self._since[session] = number
            self._changed[session] = None

    def remove(self, session: Recoverable) -> None:
        """A session is no more. No effect when it is none of these."""
        name = self.drop(session)
        if name is not None and name not in self._by_name:
            self._removed[name] = None

    def forget(self, pid: str) -> None:
        """Remove a session that was taken from another process."""
        self._removed[name_of(pid)] = None

    def drop(self, session: Recoverable) -> str | None:
        """Write a session no more: another process has it.

        :returns: its name.
        """
        name = self._names.pop(session, None)
        if name is not None:
            if self._by_name.get(name) is session:
                del self._by_name[name]
            for known in (self._changed, self._written, self._there):
                known.pop(session, None)
            self._not_before.pop(session, None)
            self._since.pop(session, None)
        return name

    # Writing

    def write(self, since: int, epoch: str) -> None:
        """Write what has changed, and what was written long ago.

        :param since: see :class:`.kept.Kept`; a session may have a higher one.
        :param epoch: that of the log.
        :raises BackendError: when Redis does not answer.
        """
        self._renew()
        self._remove()
        changed = list(self._changed)
        for first in range(0, len(changed), AT_ONCE):
            self._write_some(changed[first : first + AT_ONCE], since, epoch)
        self._remove()  # those that have become too large

    def _remove(self) -> None:
        while self._removed:
            names = list(self._removed)[:AT_ONCE]
            self._records.remove(names)
            for name in names:
                self._removed.pop(name, None)

    def _renew(self) -> None:
        due = self._now() - self._lasting / 3
        while self._written:
            session, written = next(iter(self._written.items()))
            if written > due:
                return
            del self._written[session]
            self._there.pop(session, None)
            self._changed[session] = None

    def _write_some(self, sessions: list[Recoverable], since: int, epoch: str) -> None:
        there: dict[Recoverable, str] = {}
        gone: dict[Recoverable, str] = {}
        try:
            for each in sessions:
                self._changed.pop(each, None)
                text = self._text_of(each, since, epoch)
                if text is not None:
                    (there if each.state is State.IN else gone)[each] = text
            self._write_texts(there, self._lasting)
            self._write_texts(gone, self._window)
        except BaseException:
            for each in sessions:
                self._there.pop(each, None)
                if each in self._names:
                    self._changed[each] = None
            raise

    def _text_of(self, session: Recoverable, since: int, epoch: str) -> str | None:
        """The text to write; None if other processes cannot have the session."""
        if session in self._names:
            self._prepare(session)
        name = self._names.get(session)  # it may have ended meanwhile
        if name is None or session.state not in _WRITTEN:
            return None
        before = self._now()
        since = max(since, self._since.get(session, 0))
        text = self._records.text_of(name, session, since, epoch)
        if text is not None:
            self._not_before.pop(session, None)
            return text
        now = self._now()
        self._not_before[session] = now + max(PAUSE, SELDOM * (now - before))
        self._removed[name] = None
        self._there.pop(session, None)
        self._note(session, now)
        return None

    def _note(self, session: Recoverable, now: float) -> None:
        """Look at a session again after some time, if its client is there still."""
        self._written.pop(session, None)  # the last one is at the end
        if session.state is State.IN:
            self._written[session] = now

    def _write_texts(self, texts: Mapping[Recoverable, str], seconds: float) -> None:
        # They may have ended while the texts of others were made.
        names = {each: self._names[each] for each in texts if each in self._names}
        if not names:
            return
        sent = {
            name: "" if self._there.get(each) == hash(texts[each]) else texts[each]
            for each, name in names.items()
        }
        written, now = self._records.write(sent, seconds), self._now()
        missing: dict[Recoverable, str] = {}
        for each, name in names.items():
            if each not in self._names:
                continue  # it has ended meanwhile
            if name in written.taken:
                self._lost(each)
            elif name in written.missing:
                self._there.pop(each, None)
                missing[each] = texts[each]
            elif sent[name]:
                self._note(each, now)
                if name not in written.refused:
                    self._there[each] = hash(sent[name])
        self._write_texts(missing, seconds)
