"""Packets for later: their arguments are copied now, as JSON will carry them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import json
from ..errors import PacketError
from ..json import Dumps
from .binary import put_back, take_out
from .packet import Packet, event_packet, text_of_name
from .unwritable import explain


def settled_packet(
    endpoint: str, name: object, args: Sequence[Any], dumps: Dumps = json.dumps
) -> Packet:
    """An event for a namespace that changes no more, whatever becomes of its arguments.

    An object of a database session, for example, can be read only until that ends.

    :param dumps: the application's JSON writer.
    :raises TypeError: when an argument cannot be written as JSON, or the name is
        neither text nor a number.
    """
    attachments: list[bytes | None] = []
    try:
        text = dumps(take_out(args, attachments))  # type: ignore[arg-type]
    except TypeError as error:
        explained = explain(error, f"event {name!r}", args, dumps)
        if explained is None:
            raise
        raise explained from None
    copied: Any = json.loads(text)
    if attachments:
        try:
            copied = put_back(copied, attachments)
        except PacketError as error:
            raise TypeError(f"cannot be written as JSON: {error}") from None
    return event_packet(endpoint, text_of_name(name), copied)
