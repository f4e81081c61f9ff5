"""What a channel may be called.

One rule for all backends: a name that one of them could not carry is refused by all, at
the call, and before a broker sees it.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from ..wire.escape import escape

#: Bytes of a name in UTF-8. AMQP has room for no more (0.9.1, section 4.2.5.3).
MOST: Final = 255

#: The names of this package begin so, and no application's may.
OWN: Final = "tgext.socketio/"

#: Other beginnings that are taken, and by whom. Whoever publishes on Sentinel's channel
#: can have Redis take another server for its master.
TAKEN: Final = {
    OWN: "tgext.socketio",
    "__sentinel__:": "Redis",
    "__keyspace@": "Redis",
    "__keyevent@": "Redis",
    "amq.": "AMQP",
}


class OwnName(str):
    """The name of a channel of this package's own, such as that of the cluster.

    :func:`check_channel` takes it by its type, which nothing that comes from outside
    has.
    """

    __slots__ = ()


def check_channel(name: object) -> str:
    """The name of a channel, if it may be one.

    That is text of 1 to 255 bytes in UTF-8, without control characters or lone
    surrogates, which does not begin as the names of :data:`TAKEN` do.

    :returns: the name as a plain ``str``, where it is one of a subclass.
    :raises TypeError: when it is no ``str``.
    :raises ValueError: when it may not be a name; the message says why.
    """
    if type(name) is OwnName:
        return name
    if not isinstance(name, str):
        raise TypeError(f"the name of a channel is a str, not {type(name).__name__}")
    name = str.__str__(name)
    problem = _problem(name)
    if problem:
        raise ValueError(f"no channel can be called '{escape(name)}': {problem}")
    return name


def _problem(name: str) -> str:
    if not name:
        return "a name is not empty"
    # The whole of a name that is a megabyte long need not be looked at.
    if len(name) > MOST:
        return f"a name has at most {MOST} bytes"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "half of a surrogate pair has no UTF-8"
    if size > MOST:
        return f"a name has at most {MOST} bytes"
    if not name.isprintable() and any(unicodedata.category(c) == "Cc" for c in name):
        return "a name has no control characters"
    for beginning, owner in TAKEN.items():
        if name.startswith(beginning):
            return f"names that begin with {beginning} are those of {owner}"
    return ""
