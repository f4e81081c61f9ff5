"""Topics: what the broadcasts of a cluster are sent to, and who listens to them.

A topic is a namespace, or a room of it. Each has a channel of its own at the broker. A
process listens to the topics that it has sockets for.

========================================  =============================================
``<channel>/all:/chat``                   the namespace ``/chat``
``<channel>/room:/chat:lobby``            its room ``'lobby'``
``<channel>/number:/chat:5``              its room ``5``
``<channel>/user:/chat:ann``              its user ``ann``
``<channel>/socket:/chat:Fp4x``           its socket with a public id
========================================  =============================================

Other characters than letters, digits and ``_.-~/`` are percent-encoded. A longer name
is cut, and ends with ``#`` and a digest of the whole name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from ..backends.channelnames import MOST, OwnName
from ..backends.feeds import Feed
from ..engine.hub.roomkeys import OwnRoom, Room, SocketRoom, UserRoom
from ..engine.hub.selection import Receivers, Selection

if TYPE_CHECKING:
    from anypubsub.interfaces import PubSub

_KINDS: Final[dict[type, str]] = {
    type(None): "all",
    str: "room",
    int: "number",
    UserRoom: "user",
    SocketRoom: "socket",
}

#: Numbers are written as decimals below this.
_SAFE: Final = 2**53

#: Bytes of the digest in a name that is cut.
_DIGEST: Final = 20


#: Names that are kept: making one takes as long as writing a short message.
_KEPT: Final = 1024


@lru_cache(_KEPT)
def topic_of(channel: str, endpoint: str, room: Room | None) -> OwnName:
    """The name of a topic at the broker, which no other topic has.

    :param channel: the channel of the cluster.
    :param endpoint: the name of the namespace.
    :param room: a room as :func:`.check_room` returns it, the key of a user or a
        socket, or None for the whole namespace.
    """
    name = f"{channel}/{_KINDS[type(room)]}:{_quoted(endpoint)}"
    if room is not None:
        name = f"{name}:{_quoted(room)}"
    data = name.encode()
    if len(data) <= MOST:
        return OwnName(name)
    digest = blake2b(data, digest_size=_DIGEST).hexdigest()
    beginning = data[: MOST - len(digest) - 1].decode(errors="ignore")
    return OwnName(f"{beginning}#{digest}")


def _quoted(part: Room) -> str:
    # Percent signs and colons are encoded, so two names differ if their parts do.
    if isinstance(part, int):
        # Python does not write numbers of thousands of digits.
        return str(part) if -_SAFE < part < _SAFE else hex(part)
    return quote(part, "/", errors="surrogatepass")


def room_of(receivers: Receivers) -> Room | None:
    """The room whose topic carries a broadcast; None for that of the namespace.

    What is for several rooms goes to the namespace: each process with members of one of
    them hears that topic, and hears it once. The sockets of a user join no room.
    """
    if isinstance(receivers, Selection):
        rooms = receivers.rooms
        return room_of(rooms[0]) if len(rooms) == 1 else None
    return None if isinstance(receivers, OwnRoom) else receivers


#: The name of the topic of a namespace and a room.
Naming = Callable[[str, "Room | None"], OwnName]


def naming_of(backend: PubSub, channel: OwnName) -> Naming:
    """How the topics of a cluster are named.

    A backend that opens a connection for each subscription (AMQP, mongodb) has one
    channel for all topics.

    :param channel: the channel of the cluster.
    """
    if isinstance(backend, Feed):
        return partial(topic_of, channel)
    return lambda endpoint, room: channel
