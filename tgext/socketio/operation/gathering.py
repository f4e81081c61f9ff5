"""The metrics of all processes that serve an application.

They are asked over the broker, as for everything else that processes ask each other.
Each answers with what it has counted, so nothing is written when something is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ..backends.errors import BackendError
from ..engine.logs import get_logger
from ..messaging.cluster import greet, guest_of, is_clustered
from ..messaging.sealed import BusMessageError, field_of
from ..wire.escape import escape
from .catalogue import HISTOGRAM, METRICS
from .snapshot import Snapshot, take

if TYPE_CHECKING:
    from ..messaging.peers import Peers

log = get_logger(__name__)

#: The kind of the question.
KIND: Final = "metrics"

#: Seconds in which the others have to answer. Prometheus waits for ten by default.
PATIENCE: Final = 2.0

#: The most values of one metric of one process, and characters of a label.
_MOST: Final = 10_000
_LONGEST: Final = 200


def answer_others() -> None:
    """Answer the other processes of all clustered applications from now on."""
    greet(_answer)


def _answer(peers: Peers) -> None:
    peers.answer(KIND, lambda data: write(take()))


def gather(settings: Mapping[str, Any]) -> tuple[list[Snapshot], int]:
    """The metrics of this process, and of the others of its cluster.

    :param settings: the application's configuration, as ``tg.config``.
    :returns: and how many of the others did not answer in time.
    """
    own = take()
    if not is_clustered(settings):
        return [own], 0
    known = getattr(settings["tg.app_globals"], "socketio_peers", None)
    expected = len(known.alive) if known is not None else 0
    try:
        answers = guest_of(settings).ask(KIND, None, PATIENCE)
    except BackendError as error:
        log.info("The metrics of other processes are missing: %s", error)
        return [own], expected
    snapshots = {own.process: own}
    for sender, answer in answers.items():
        try:
            each = read(answer)
        except BusMessageError as error:
            log.warning("The metrics of process %s are skipped: %s", sender, error)
        else:
            snapshots.setdefault(each.process, each)
    return list(snapshots.values()), max(0, expected + 1 - len(snapshots))


def write(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as values that JSON can carry."""
    return {
        "process": snapshot.process,
        "users": sorted(snapshot.users),
        "values": snapshot.values,
    }


def read(answer: Any) -> Snapshot:
    """Read what another process has answered. Metrics that are not known are skipped.

    :raises BusMessageError: when it is invalid.
    """
    if not isinstance(answer, dict):
        raise BusMessageError("an answer is invalid")
    snapshot = Snapshot(escape(field_of(answer, "process", str)))
    users = field_of(answer, "users", list)
    if not all(isinstance(each, str) for each in users):
        raise BusMessageError("a user is invalid")
    snapshot.users.update(users)
    for name, values in field_of(answer, "values", dict).items():
        metric = METRICS.get(name)
        if metric is None:
            continue
        if not isinstance(values, list) or len(values) > _MOST:
            raise BusMessageError(f"the values of {name} are invalid")
        check = _is_histogram if metric.kind == HISTOGRAM else _is_number
        for each in values:
            if not (_is_labelled(each, len(metric.labels)) and check(each[1])):
                raise BusMessageError(f"a value of {name} is invalid")
            snapshot.set(name, each[1], *each[0])
    return snapshot


def _is_labelled(value: Any, number: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], list)
        and len(value[0]) == number
        and all(isinstance(each, str) and len(each) <= _LONGEST for each in value[0])
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_histogram(value: Any) -> bool:
    if not (isinstance(value, list) and len(value) == 2):
        return False
    buckets, total = value
    return isinstance(buckets, list) and all(map(_is_number, [*buckets, total]))
