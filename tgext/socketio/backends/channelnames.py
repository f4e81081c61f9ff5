"""Valid names of channels.

All backends have the same rule: a name that one of them cannot carry is refused by all,
when it is passed in and before it reaches a broker.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from ..wire.escape import escape

#: Bytes of a name in UTF-8, AMQP's limit (AMQP 0.9.1, section 4.2.5.3).
MOST: Final = 255

#: The prefix of this package's own channels, which applications cannot use.
OWN: Final = "tgext.socketio/"

#: Reserved prefixes, and their owners. A program that publishes on Sentinel's channel
#: can make Redis use another server as its master.
TAKEN: Final = {
    OWN: "tgext.socketio",
    "__sentinel__:": "Redis",
    "__keyspace@": "Redis",
    "__keyevent@": "Redis",
    "amq.": "AMQP",
}


class OwnName(str):
    """The name of one of this package's own channels, such as that of the cluster.

    :func:`check_channel` recognises it by its type, which values from outside do not
    have.
    """

    __slots__ = ()


def check_channel(name: object) -> str:
    """Check the name of a channel.

    A valid name is text of 1 to 255 bytes in UTF-8, without control characters and lone
    surrogates, that has no prefix of :data:`TAKEN`.

    :returns: the name as a plain ``str``.
    :raises TypeError: when it is not a ``str``.
    :raises ValueError: when it is invalid; the message says why.
    """
    if type(name) is OwnName:
        return name
    if not isinstance(name, str):
        raise TypeError(f"the name of a channel is a str, not {type(name).__name__}")
    name = str.__str__(name)
    problem = _problem(name)
    if problem:
        raise ValueError(f"invalid channel name '{escape(name)}': {problem}")
    return name


def _problem(name: str) -> str:
    if not name:
        return "it is empty"
    # Do not encode a name of a megabyte.
    if len(name) > MOST:
        return f"it has more than {MOST} bytes"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "it has half of a surrogate pair, which UTF-8 cannot encode"
    if size > MOST:
        return f"it has more than {MOST} bytes"
    if not name.isprintable() and any(unicodedata.category(c) == "Cc" for c in name):
        return "it has control characters"
    for beginning, owner in TAKEN.items():
        if name.startswith(beginning):
            return f"names that begin with {beginning} are reserved for {owner}"
    return ""
