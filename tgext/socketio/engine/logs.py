"""Loggers whose lines are lines, whoever chose what is in them.

Names of events, paths, headers, reasons and the texts of errors that quote them come
from outside. Written as they are, a line feed would forge a line, an escape sequence
command the operator's terminal, and a long name fill the disk. Every logger of the
package is made here: what goes into its records is escaped and cut.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..wire.escape import Escaped, escape

#: Characters of one argument that a line shows; what a client chose is cut by who logs.
ARGUMENT = 300

#: Characters of a whole message, where it comes without arguments, and of the text of
#: an exception in a traceback.
MESSAGE = 2000

#: Exceptions that a traceback shows of those that led to one, members that it shows of
#: a group, and groups within groups. A client that nests what it sends may decide them.
LINKS = 20
MEMBERS = 15
LEVELS = 5

#: What can be no harm.
_HARMLESS = (bool, int, float, type(None), Escaped)

#: Lines of one kind that are written at once, and per second after those: a client can
#: cause as many as it sends messages, each with a traceback where a handler fails.
AT_ONCE = 100
PER_SECOND = 10.0

#: The log of requests has a line for each, as those of other servers.
REQUESTS = "tgext.socketio.access"

_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def get_logger(name: str) -> logging.Logger:
    """The logger of a name, whose records are made fit for a log."""
    logger = logging.getLogger(name)
    if name != REQUESTS:
        logger.addFilter(spare)
    logger.addFilter(make_fit)
    return logger


#: What a line comes from: a place in the package, and where its exception came from.
Kind = tuple[object, ...]


class Sparing:
    """A filter that lets lines of one kind pass only so often.

    What is left out is counted, and the next line of the kind says how much it was.
    Lines below INFO all pass: who wants those looks for something.

    :param now: tells the time, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        #: By kind: lines that may be written, as of when, and how many were left out.
        self._kinds: dict[Kind, tuple[float, float, int]] = {}

    def forget(self) -> None:
        """Begin anew."""
        self._kinds.clear()

    def __call__(self, record: logging.LogRecord) -> bool:
        """Whether a record passes."""
        if record.levelno < logging.INFO:
            return True
        kind, now = _kind(record), self._now()
        left, since, missed = self._kinds.get(kind, (float(AT_ONCE), now, 0))
        left = min(AT_ONCE, left + (now - since) * PER_SECOND)
        if left < 1:
            self._kinds[kind] = left, now, missed + 1
            return False
        self._kinds[kind] = left - 1, now, 0
        if missed:
            more = f" (and {missed} more like this)"
            record.msg = f"{record.msg}{more}"
        return True


def _kind(record: logging.LogRecord) -> Kind:
    """What a record's line comes from: one of as many as there are in the code."""
    error = record.exc_info[1] if record.exc_info else None
    trace = error.__traceback__ if error is not None else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = trace and (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
    return record.pathname, record.lineno, type(error), place


spare = Sparing()


def make_fit(record: logging.LogRecord) -> bool:
    """A filter that lets every record pass, and leaves one printable line of each.

    The traceback beside it is written here too, with the texts of its exceptions
    escaped. A formatter that writes one by itself, from ``exc_info``, has them raw.
    """
    args = record.args
    if isinstance(args, Mapping):
        record.args = {name: _fit(value) for name, value in args.items()}
    elif args:
        record.args = tuple(map(_fit, args))
    else:
        text = str(record.msg).removesuffix("\n")
        fits = text.isprintable() and len(text) <= MESSAGE
        record.msg = text if fits else escape(text, MESSAGE)
    if record.exc_info and record.exc_info[1] is not None:
        record.exc_text = record.exc_text or describe(record.exc_info[1])
    return True


def _fit(value: object) -> Any:
    if isinstance(value, _HARMLESS):
        return value
    if isinstance(value, str) and len(value) <= ARGUMENT and value.isprintable():
        return value  # its parts may have been escaped
    return escape(value, ARGUMENT)


def describe(error: BaseException) -> str:
    """A traceback as Python writes it, but with the texts of exceptions escaped.

    Whatever an exception is like, this raises nothing: who logs is about to answer.
    """
    return "".join(_describe(error, LEVELS)).removesuffix("\n")


def _describe(error: BaseException, levels: int) -> Iterator[str]:
    chain: list[tuple[BaseException, str]] = []
    seen = set()
    link, following = "", error
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(chain) < LINKS:
        seen.add(id(current))
        chain.append((current, link))
        following = current
        current, link = following.__cause__, _CAUSE
        if current is None and not following.__suppress_context__:
            current, link = following.__context__, _CONTEXT
    if current is not None and id(current) not in seen:
        yield "... (those before are not shown)\n"
    for each, leads_to in reversed(chain):
        yield from _describe_one(each, levels)
        yield leads_to


def _describe_one(error: BaseException, levels: int) -> Iterator[str]:
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):\n"
        frames = traceback.walk_tb(error.__traceback__)
        yield from traceback.StackSummary.extract(frames).format()
    cls = type(error)
    name = escape(cls.__qualname__, ARGUMENT)
    if cls.__module__ not in ("builtins", "__main__"):
        name = escape(f"{cls.__module__}.{cls.__qualname__}", ARGUMENT)
    text = escape(error, MESSAGE)
    yield f"{name}: {text}\n" if text else f"{name}\n"
    for note in _several(error, "__notes__"):
        yield f"{escape(note, MESSAGE)}\n"
    for each in _several(error, "exceptions"):
        if not isinstance(each, BaseException):
            continue  # an attribute of the application's own
        if not levels:
            yield "  ...\n"
            break
        told = "".join(_describe(each, levels - 1))
        yield from (f"  {line}\n" for line in told.splitlines())


def _several(error: BaseException, name: str) -> Sequence[object]:
    """The first members of an attribute that should be a sequence, if it is there."""
    try:
        members = getattr(error, name, ())
        return list(members[:MEMBERS]) if isinstance(members, (list, tuple)) else ()
    except BaseException:  # of a property, or of `__getattr__`
        return ()
