"""Presence: who is here, in a namespace or in its rooms, over all processes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from tg import config

from .engine.concurrency.fairness import in_turns
from .engine.concurrency.threads import carried
from .engine.hub.roomkeys import Room, check_room
from .engine.logs import get_logger
from .engine.mixins import RoomsMixin
from .messaging.presence.members import Info, Topic
from .messaging.presence.messages import LONGEST, is_seconds
from .messaging.presence.presence import Presence, Tracked
from .messaging.presence.shared import begun_presence, presence_of
from .request.jsonify import dumps
from .request.runner import Runner
from .wire import json

__all__ = ["PresenceMixin"]

log = get_logger(__name__)

if TYPE_CHECKING:
    from .namespace import SocketIOTGNamespace

    _Base = SocketIOTGNamespace
else:
    _Base = object

#: The largest number of bytes of what is told about one client, as JSON. All clients of
#: the room get it.
MOST_INFO = 4096

#: Seconds, where the application does not say how many, or uses the name for something
#: else.
LINGER = 10.0

#: The most characters of a key.
MOST_KEY = 255


class PresenceMixin(_Base):
    """Who is here: clients are present in the namespace, or in rooms of it.

    The clients of the room (or of the namespace), and those that are present in it, get
    the event ``presence_state`` once: ``{user: [info, ...]}``, and the room. After
    that they get ``presence_diff``: ``{joins: {user: [info, ...]}, leaves: {user:
    [info, ...]}}``, and the room. ``joins`` has users who came, and those whose entries
    changed, with all entries that they have now; ``leaves`` has users who are gone.
    A user with several connections is one member with several entries.
    """

    #: Seconds for which a user whose last connection ended is still present: a page
    #: that is loaded again is no leave.
    presence_linger: float = LINGER

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        linger = cls.presence_linger
        if isinstance(linger, (int, float)) and not is_seconds(linger):
            raise ValueError(
                f"presence_linger of {cls.__qualname__} is {linger!r}; set a number of "
                f"seconds from 0 to {LONGEST:g}"
            )

    # Each `initialize` of the classes is called, whatever the application's does.
    def initialize(self) -> None:
        """Begin to watch the rooms, before the first client is in one."""
        self._tgsio_presence()

    def track(self, room: Room | None = None, **info: Any) -> None:
        """Make the client present in a room, or in the namespace.

        It ends with :meth:`untrack`, when the client leaves the room, and
        ``presence_linger`` seconds after its connection ended. A second call changes
        what is told. A client that is not admitted yet becomes present when it is.

        :param room: the room; the client need not be in it. None for the namespace.
        :param info: what is told about the client, after :meth:`presence_info`.
        :raises TypeError: when the room is neither a ``str`` nor an ``int``, or the
            information cannot be written as JSON.
        :raises ValueError: when the name of the room is invalid, the information is
            larger than 4096 bytes, or the key is longer than 255 characters.
        :raises LimitExceeded: when the client is present in ``max_rooms`` rooms of the
            namespace already.
        """
        topic = self._tgsio_topic(room)
        told = _checked_info({**self.presence_info(), **info})
        self._tgsio_track(topic, _checked_key(self.presence_key()), told)

    def untrack(self, room: Room | None = None) -> None:
        """Let the client be present in a room, or in the namespace, no more.

        If it is not present there, this has no effect.

        :raises TypeError: as :meth:`track`.
        :raises ValueError: as :meth:`track`.
        """
        self._tgsio_untrack(self._tgsio_topic(room))

    def present(self, room: Room | None = None) -> dict[str, list[Info]]:
        """Who is present in a room, or in the namespace, in all processes.

        :returns: for each user, what is told about each of the connections.
        :raises TypeError: as :meth:`track`.
        :raises ValueError: as :meth:`track`.
        """
        return self._tgsio_present(self._tgsio_topic(room))

    def presence_info(self) -> Mapping[str, Any]:
        """What is told about the client wherever it is present; override it."""
        return {}

    def presence_key(self) -> str:
        """The member that the client belongs to; an application may override it.

        The id of the user; for an anonymous client its own public id, so each
        connection is a member.
        """
        user = self.socket._tgsio_user
        return self.socket._tgsio_id_in(self.ns_name) if user is None else user

    # Its own work

    @carried
    def _tgsio_track(self, topic: Topic, user: str, info: Info) -> None:
        if self._tgsio_is_over():
            log.debug("A client that left %s is not present", self.ns_name or "/")
            return
        if self._tgsio_candidate is not None:
            self._tgsio_candidate.when_admitted(
                partial(self._tgsio_track, topic, user, info)
            )
            return
        presence = self._tgsio_presence()
        rooms = presence.rooms_of(self.ns_name, self.socket)
        if topic[1] not in rooms:
            self.socket.account.check("max_rooms", len(rooms - {None}))
        # Nobody else can come with the id of a connection.
        alone = user == self.socket._tgsio_id_in(self.ns_name)
        linger = self.presence_linger if is_seconds(self.presence_linger) else LINGER
        presence.track(topic, self.socket, user, info, linger, alone)

    @carried
    def _tgsio_untrack(self, topic: Topic) -> None:
        if self._tgsio_candidate is not None:
            self._tgsio_candidate.when_admitted(partial(self._tgsio_untrack, topic))
        else:
            self._tgsio_presence().untrack(topic, self.socket)

    @carried
    def _tgsio_present(self, topic: Topic) -> dict[str, list[Info]]:
        return self._tgsio_presence().present(topic)

    def _tgsio_presence(self) -> Presence:
        runner = self.socket.runner
        settings = runner.config if isinstance(runner, Runner) else config
        return presence_of(self.socket._tgsio_rooms, settings)

    def _tgsio_topic(self, room: Room | None) -> Topic:
        if room is None:
            return self.ns_name, None
        if isinstance(self, RoomsMixin):
            return self.ns_name, self._tgsio_key(room)
        return self.ns_name, check_room(room)

    # Of clients that recover

    @property
    def _tgsio_tracked(self) -> Collection[Tracked]:
        presence = begun_presence(self.socket._tgsio_rooms)
        if presence is None:
            return ()
        return presence.tracked(self.ns_name, self.socket)

    def _tgsio_track_again(self, tracked: Collection[Tracked]) -> None:
        """Let a client that is back be present where it was, once it is admitted.

        What the application tracks meanwhile comes later, and takes its place.
        """
        if tracked and self._tgsio_candidate is not None:
            self._tgsio_candidate.when_admitted(partial(self._tgsio_come_back, tracked))

    def _tgsio_come_back(self, tracked: Collection[Tracked]) -> None:
        rooms = self.socket._tgsio_rooms.rooms_of(self.ns_name, self.socket)
        for room, user, info, inside in in_turns(list(tracked)):
            if room in rooms or not inside:  # else it has left the room since
                self._tgsio_track((self.ns_name, room), user, info)


def _checked_info(info: dict[str, Any]) -> Info:
    """A copy of what is told about a client, as JSON carries it."""
    text = dumps(info)
    size = len(text.encode())
    if size > MOST_INFO:
        raise ValueError(
            f"what is told about a client has {size} bytes, more than {MOST_INFO}"
        )
    copy: Info = json.loads(text)
    return copy


def _checked_key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"presence_key returned {key!r}, which is no text")
    if len(key) > MOST_KEY:
        raise ValueError(f"a key of presence has more than {MOST_KEY} characters")
    key.encode()  # it must be possible
    return key
