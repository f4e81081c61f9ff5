"""Users, rooms and sockets of other processes: what is asked of these, and answered."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, get_args
from weakref import WeakKeyDictionary

from ..engine.hub.roomkeys import Room, check_room
from ..engine.hub.rooms import Rooms
from ..engine.logs import get_logger
from ..engine.namespaces.commands import ENDING, Command, Kind, obey
from ..engine.namespaces.gathering import Answers, Gathering
from ..engine.namespaces.targets import LONGEST
from ..wire.errors import ProtocolError
from ..wire.escape import escape
from ..wire.json import dumps, loads
from ..wire.socketio.packet import Packet, event_packet
from .busmessage import pack, read_room, unpack, write_room
from .roll import Roll, read_roll, write_roll
from .sealed import MOST, BusMessageError, field_of, id_of
from .throttle import ThrottledWarnings

if TYPE_CHECKING:
    from .peers import Peers  # which needs anypubsub; controllers do not

log = get_logger(__name__)

#: Seconds for which the other processes may take to do something, or to count.
PATIENCE: Final = 5.0

#: Seconds for the answers of clients to come from another process.
TRAVEL: Final = 1.0

#: The bytes of a message that answers, without ids and answers.
_FRAME: Final = 1024

#: The kinds of the messages.
_COMMAND, _COUNT, _GATHER, _ASKED = "command", "count", "gather", "asked"
_ROLL: Final = "roll"

_KINDS: Final = get_args(Kind)


class Asker(Protocol):
    """What asks the other processes: :class:`.Peers`, or a :class:`.Guest`."""

    id: str

    def ask(self, kind: str, data: Any, timeout: float) -> dict[str, Any]:
        """Ask all other processes; returns their answers by their ids."""

    def on(self, kind: str, told: Callable[[str, Any], object]) -> None:
        """Call a function with the sender and the data of each message of a kind."""


class OtherSockets:
    """The sockets of the other processes.

    :param asker: asks these processes.
    """

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        #: The sockets that the processes have asked, by the number of the question.
        self._asked: dict[str, dict[str, list[str]]] = {}
        self._warnings = ThrottledWarnings(log)
        asker.on(_ASKED, self._note_asked)

    def command(
        self, to: Sequence[str], endpoint: str, room: Room | None, command: Command
    ) -> None:
        """Let the other processes do something; returns when they have.

        :param to: the controllers whose clients are meant; an empty name for all.
        :raises BackendError: when the broker does not accept the command.
        """
        value = command.value
        data = _data(to, endpoint, room)
        data["do"] = command.kind
        data["value"] = value if command.kind in ENDING else write_room(value)
        self._asker.ask(_COMMAND, data, PATIENCE)

    def count(self, to: Sequence[str], endpoint: str, room: Room | None) -> int:
        """How many sockets of a room the other processes have.

        :raises BackendError: when the broker does not accept the question.
        """
        found = self._asker.ask(_COUNT, _data(to, endpoint, room), PATIENCE)
        return sum(each for each in found.values() if type(each) is int)

    def roll(self, to: Sequence[str], endpoint: str, room: Room | None) -> Roll:
        """The sockets of a room that the other processes have.

        :raises BackendError: when the broker does not accept the question.
        """
        return read_roll(self._asker.ask(_ROLL, _data(to, endpoint, room), PATIENCE))

    def gather(
        self, to: Sequence[str], packet: Packet, room: Room | None, seconds: float
    ) -> Answers:
        """Let the other processes ask their sockets for acks.

        :raises BackendError: when the broker does not accept the question.
        """
        number = secrets.token_hex(8)
        data = _data(to, packet["endpoint"], room)
        data["event"] = [packet["name"], *pack(packet["args"])]
        data["seconds"] = seconds
        data["asker"], data["number"] = self._asker.id, number
        asked = self._asked[number] = {}
        try:
            given = self._asker.ask(_GATHER, data, seconds + TRAVEL)
        finally:
            del self._asked[number]
        gathered = Answers({}, [])
        for each in given.values():
            self._add(gathered, each)
        # A process that has ended meanwhile, or is late, told whom it had asked.
        for peer, ids in asked.items():
            if peer not in given:
                gathered.missing.extend(ids)
        return gathered

    def _add(self, gathered: Answers, answer: Any) -> None:
        try:
            ids, missing = _ids(answer, "ids"), _ids(answer, "missing")
            texts = field_of(answer, "values", list)
        except BusMessageError as error:
            text = f"Skipped the acks of another process: {escape(error)}"
            self._warnings.warn(error.kind, text)
            return
        gathered.missing.extend(missing)
        for sid, text in zip(ids, texts, strict=False):
            try:
                gathered.answers[sid] = _read_answer(text)
            except BusMessageError as error:
                gathered.missing.append(sid)
                line = f"Skipped an ack of another process: {escape(error)}"
                self._warnings.warn(error.kind, line)

    def _note_asked(self, sender: str, data: Any) -> None:
        asked = self._asked.get(field_of(data, "number", str))
        if asked is not None:
            asked[sender] = _ids(data, "ids")


class Crowd:
    """The sockets of this process, for what other processes ask of them.

    :param peers: the other processes.

    :ivar elsewhere: their sockets.
    """

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._controllers: WeakKeyDictionary[Rooms, str] = WeakKeyDictionary()
        self.elsewhere = OtherSockets(peers)
        peers.answer(_COMMAND, self._obey)
        peers.answer(_COUNT, self._count)
        peers.answer(_ROLL, self._roll)
        peers.answer(_GATHER, self._gather)

    def add(self, rooms: Rooms, controller: str) -> None:
        """Let the others reach the sockets of a controller, and these the others."""
        self._controllers[rooms] = controller
        rooms.others = Others(self.elsewhere, [controller])

    def _meant(self, data: Any) -> Iterator[Rooms]:
        to = field_of(data, "to", list)
        for rooms, controller in list(self._controllers.items()):
            if "" in to or controller in to:
                yield rooms

    def _obey(self, data: Any) -> bool:
        endpoint, room = _place(data)
        kind = field_of(data, "do", str)
        if kind not in _KINDS:
            raise BusMessageError("it asks for something that is not known")
        if kind in ENDING:
            value = field_of(data, "value", str)
        else:
            value = check_room(read_room("value", data.get("value")))
        for rooms in self._meant(data):
            obey(rooms, endpoint, room, Command(kind, value))
        return True

    def _count(self, data: Any) -> int:
        endpoint, room = _place(data)
        return sum(len(each.members(endpoint, room)) for each in self._meant(data))

    def _roll(self, data: Any) -> dict[str, Any]:
        return write_roll(self._meant(data), *_place(data))

    def _gather(self, data: Any) -> dict[str, Any]:
        endpoint, room = _place(data)
        name, *packed = field_of(data, "event", list) or [None]
        args = unpack(packed)
        seconds, asker = data.get("seconds"), id_of(data, "asker")
        if type(name) is not str or type(args) is not list:
            raise BusMessageError("its event is invalid")
        if type(seconds) not in (int, float) or not 0 < seconds <= LONGEST:
            raise BusMessageError("its field seconds is invalid")
        with Gathering() as gathering:
            for rooms in self._meant(data):
                gathering.ask(rooms, event_packet(endpoint, name, args), room)
            told = {"number": data.get("number"), "ids": gathering.ids}
            self._peers.tell(_ASKED, told, asker)
            answers, missing = gathering.wait(seconds)
        left = MOST - len(dumps(gathering.ids)) - _FRAME
        texts = _written(answers, left)
        missing.extend(each for each in answers if each not in texts)
        return {"ids": list(texts), "values": list(texts.values()), "missing": missing}


class Others:
    """The other processes, as seen by the rooms of a controller.

    :param elsewhere: their sockets.
    :param to: the controllers whose clients are meant; an empty name for all.
    """

    def __init__(self, elsewhere: OtherSockets, to: Sequence[str]) -> None:
        self._elsewhere = elsewhere
        self._to = to

    def command(self, endpoint: str, room: Room | None, command: Command) -> None:
        """See :meth:`OtherSockets.command`."""
        self._elsewhere.command(self._to, endpoint, room, command)

    def count(self, endpoint: str, room: Room | None) -> int:
        """See :meth:`OtherSockets.count`."""
        return self._elsewhere.count(self._to, endpoint, room)

    def gather(self, packet: Packet, room: Room | None, seconds: float) -> Answers:
        """See :meth:`OtherSockets.gather`."""
        return self._elsewhere.gather(self._to, packet, room, seconds)


_crowds: WeakKeyDictionary[Peers, Crowd] = WeakKeyDictionary()


def crowd_of(peers: Peers) -> Crowd:
    """The sockets of this process that some peers may reach; one object for each."""
    crowd = _crowds.get(peers)
    if crowd is None:
        crowd = _crowds[peers] = Crowd(peers)
    return crowd


def _data(to: Sequence[str], endpoint: str, room: Room | None) -> dict[str, Any]:
    return {"to": list(to), "endpoint": endpoint, "room": write_room(room)}


def _place(data: Any) -> tuple[str, Room | None]:
    return field_of(data, "endpoint", str), read_room("room", data.get("room", False))


def _ids(data: Any, name: str) -> list[str]:
    found: list[str] = field_of(data, name, list)
    if any(type(each) is not str for each in found):
        raise BusMessageError(f"its field {name} has something else than ids")
    return found


def _written(answers: dict[str, Any], room: int) -> dict[str, str]:
    """Answers as text, each for itself: one that cannot be sent hides no others.

    :param room: the most bytes; if that is too little, the longest are left out.
    """
    texts: dict[str, str] = {}
    for sid, answer in answers.items():
        try:
            texts[sid] = dumps(pack(_as_list(answer)))
        except (TypeError, ValueError) as error:
            log.info("An ack cannot be told to another process: %s", escape(error))
    sizes = {sid: len(dumps(text).encode()) + 1 for sid, text in texts.items()}
    for sid in sorted(sizes, key=sizes.__getitem__):
        room -= sizes[sid]
        if room < 0:
            log.info("An ack is too large for another process: %d bytes", sizes[sid])
            del texts[sid]
    return texts


def _read_answer(text: Any) -> Any:
    if type(text) is not str:
        raise BusMessageError("an ack is not text")
    try:
        packed = loads(text)
    except ProtocolError:
        raise BusMessageError("an ack is not JSON") from None
    return _as_answer(unpack(packed))


def _as_list(answer: Any) -> Any:
    """An answer for JSON, which has no tuples: several arguments, or one."""
    return list(answer) if isinstance(answer, tuple) else [answer]


def _as_answer(values: Any) -> Any:
    if not isinstance(values, list) or not values:
        return None
    return values[0] if len(values) == 1 else tuple(values)
