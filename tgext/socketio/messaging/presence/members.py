"""The members of each topic, and what changed since their clients were told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from ...engine.concurrency.fairness import in_turns
from ...engine.hub.roomkeys import Room

#: A namespace, and a room of it; None for the namespace itself.
Topic = tuple[str, Room | None]

Info = dict[str, Any]

#: Members that are copied before other greenlets may run.
AT_ONCE: Final = 500


class Entry:
    """One socket that is present in a topic.

    :param topic: the topic.
    :param user: the member that the socket belongs to.
    :param info: what is told about it. It is never changed.
    :param until: 0 while the socket is there; afterwards, the time until which its
        member waits for another one.
    :param ended: when the socket ended, by the clock of its process: a number that is
        the same in all processes.
    """

    __slots__ = ("ended", "info", "topic", "until", "user")

    def __init__(
        self,
        topic: Topic,
        user: str,
        info: Info,
        until: float = 0.0,
        ended: float = 0.0,
    ) -> None:
        self.topic = topic
        self.user = user
        self.info = info
        self.until = until
        self.ended = ended


class Difference:
    """What changed in a topic.

    :ivar joins: members that came, or whose entries changed, with all their entries.
    :ivar leaves: members that left, with the last entries that they had.
    """

    __slots__ = ("joins", "leaves")

    def __init__(self) -> None:
        self.joins: dict[str, list[Info]] = {}
        self.leaves: dict[str, list[Info]] = {}

    def __bool__(self) -> bool:
        return bool(self.joins or self.leaves)


class Members:
    """The members of each topic: users, and the entries of each of them.

    Entries of sockets that have gone count only while their user has no other one; the
    one that went last stands for them.
    """

    def __init__(self) -> None:
        self._topics: dict[Topic, dict[str, list[Entry]]] = {}
        #: What the members were before they changed, by topic and user.
        self._before: dict[Topic, dict[str, list[Info]]] = {}

    def __len__(self) -> int:
        return sum(len(each) for each in self._topics.values())

    def __contains__(self, topic: Topic) -> bool:
        return topic in self._topics

    def copy(self, topic: Topic) -> dict[str, list[Info]]:
        """The members of a topic, with all entries of each; in turns."""
        found: dict[str, list[Info]] = {}
        items = list(self._topics.get(topic, {}).items())
        for start in in_turns(range(0, len(items), AT_ONCE)):
            for user, entries in items[start : start + AT_ONCE]:
                if entries:  # the user may have left while others ran
                    found[user] = [each.copy() for each in shown(entries)]
        return found

    @property
    def has_changed(self) -> bool:
        """Whether there are changes that were not taken."""
        return bool(self._before)

    @property
    def changed(self) -> list[Topic]:
        """The topics whose changes were not taken."""
        return list(self._before)

    def is_changed(self, topic: Topic) -> bool:
        """Whether a topic is one of :attr:`changed`."""
        return topic in self._before

    def add(self, entry: Entry) -> None:
        """Add an entry, which must not be there yet."""
        self.note(entry)
        users = self._topics.setdefault(entry.topic, {})
        entries = users.get(entry.user)
        if entries is None:
            users[entry.user] = [entry]
        else:
            entries.append(entry)

    def remove(self, entry: Entry) -> None:
        """Remove an entry that was added."""
        self.note(entry)
        users = self._topics[entry.topic]
        entries = users[entry.user]
        entries.remove(entry)
        if not entries:
            del users[entry.user]
            if not users:
                del self._topics[entry.topic]

    def note(self, entry: Entry) -> None:
        """Note that an entry will change."""
        before = self._before.setdefault(entry.topic, {})
        if entry.user not in before:
            before[entry.user] = self.of(entry.topic, entry.user)

    def of(self, topic: Topic, user: str) -> list[Info]:
        """The entries of one member; empty when it is not there."""
        entries = self._topics.get(topic, {}).get(user)
        return shown(entries) if entries else []

    def users(self, topic: Topic) -> list[str]:
        """The members of a topic, in the order in which they became known here."""
        return list(self._topics.get(topic, ()))

    def users_taken(self, topic: Topic) -> list[str]:
        """The members of a topic as they were at the last :meth:`take`."""
        before = self._before.get(topic, {})
        there = self._topics.get(topic, {})
        return [*there, *(user for user, old in before.items() if user not in there)]

    def taken(self, topic: Topic, user: str) -> list[Info]:
        """The entries of one member as they were at the last :meth:`take`."""
        before = self._before.get(topic, {}).get(user)
        return self.of(topic, user) if before is None else before

    def take(self, topic: Topic, most: int) -> Difference:
        """What changed in a topic since the last call, or a part of it.

        :param most: the largest number of members to look at.
        """
        difference = Difference()
        before = self._before.get(topic, {})
        while before and most:
            user, old = before.popitem()
            new = self.of(topic, user)
            if new and new != old:
                difference.joins[user] = new
            elif old and not new:
                difference.leaves[user] = old
            most -= 1
        if not before:
            self._before.pop(topic, None)
        return difference

    def forget_changes(self, topics: Iterable[Topic]) -> None:
        """Forget what changed in topics that nobody hears of."""
        for each in topics:
            self._before.pop(each, None)


def shown(entries: list[Entry]) -> list[Info]:
    """What is told of a member with these entries, of which there is at least one."""
    if len(entries) == 1:
        return [entries[0].info]
    there = [each.info for each in entries if not each.until]
    # All processes have to choose the same.
    return there or [max(entries, key=_end_of).info]


def _end_of(entry: Entry) -> tuple[float, str]:
    return entry.ended, str(sorted(entry.info.items()))
