"""Loggers that escape text of clients, and limit the number of lines.

Clients choose the names of events, paths, headers, reasons, and what errors quote.
Unescaped, a line feed would forge a log line, an escape sequence would control the
operator's terminal, and long names would fill the disk. Every logger of the package is
made here: the arguments of its records are escaped and shortened.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..wire.escape import Escaped, escape

#: The most characters of one argument in a line. Callers shorten text of clients
#: further.
ARGUMENT = 300

#: The most characters of a message without arguments, and of the text of an exception
#: in a traceback.
MESSAGE = 2000

#: Lines of what an application writes at once to ``wsgi.errors``, usually a traceback,
#: which are shown from its beginning and from its end.
HEAD = 50
TAIL = 150

#: What the lines of one record after the first begin with, so that a line feed in the
#: text of an exception does not forge a line of the log.
CONTINUED = "  | "

#: The most exceptions in a traceback: in a chain of causes, and in an exception group;
#: and the most levels of groups within groups. Nested input of a client may cause many.
LINKS = 20
MEMBERS = 15
LEVELS = 5

#: Types that need no escaping.
_HARMLESS = (bool, int, float, type(None), Escaped)

#: Lines of one kind that are written at once, and per second after that. A client can
#: cause a line with each message, with a traceback if a handler fails.
AT_ONCE = 100
PER_SECOND = 10.0

#: The access log, which is not limited: it has a line for each request.
REQUESTS = "tgext.socketio.access"

_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def get_logger(name: str) -> logging.Logger:
    """A logger whose records are escaped, and limited in number."""
    logger = logging.getLogger(name)
    if name != REQUESTS:
        logger.addFilter(spare)
    logger.addFilter(make_fit)
    return logger


def shows_info(name: str) -> bool:
    """Whether what the logger of another package writes at INFO is shown."""
    logger = logging.getLogger(name)
    if not logger.isEnabledFor(logging.INFO):
        return False
    each: logging.Logger | None = logger
    while each is not None:
        if any(handler.level <= logging.INFO for handler in each.handlers):
            return True
        each = each.parent if each.propagate else None
    return False


class ErrorStream:
    """``wsgi.errors``: the errors of pages, for a log.

    :param logger: gets one record for each text, with the lines that the text has.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def write(self, text: str) -> None:
        lines = text.splitlines()
        hidden = len(lines) - HEAD - TAIL
        if hidden > 0:
            lines[HEAD:-TAIL] = [f"... ({hidden} lines are not shown)"]
        if any(map(str.strip, lines)):
            shown = CONTINUED.join(f"{escape(each, MESSAGE)}\n" for each in lines)
            self._logger.error("%s", Escaped(shown.removesuffix("\n")))

    def writelines(self, lines: Iterable[str]) -> None:
        self.write("".join(lines))

    def flush(self) -> None:
        """Handlers of loggers do it."""


#: The place of the log call, the type of the exception, and the place that raised it.
Kind = tuple[object, ...]


class Sparing:
    """A filter that limits the rate of lines of one kind.

    The next line of the kind says how many lines were left out. Lines below INFO are
    not limited: they are enabled to debug a problem.

    :param now: returns the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        #: By kind: lines that may be written, since when, and the number left out.
        self._kinds: dict[Kind, tuple[float, float, int]] = {}

    def forget(self) -> None:
        """Forget all counts."""
        self._kinds.clear()

    def __call__(self, record: logging.LogRecord) -> bool:
        """Whether a record passes."""
        if record.levelno < logging.INFO:
            return True
        kind = _kind(record)
        if self.leaves_out(kind):
            return False
        left, since, missed = self._kinds[kind]
        self._kinds[kind] = left - 1, since, 0
        if missed:
            more = f" (and {missed} more like this)"
            record.msg = f"{record.msg}{more}"
        return True

    def leaves_out(self, kind: Kind) -> bool:
        """Whether a line of a kind is left out now; if so, it is counted."""
        now = self._now()
        left, since, missed = self._kinds.get(kind, (float(AT_ONCE), now, 0))
        left = min(AT_ONCE, left + (now - since) * PER_SECOND)
        self._kinds[kind] = left, now, missed + (left < 1)
        return left < 1


def _kind(record: logging.LogRecord) -> Kind:
    """The kind of a record. There are only as many kinds as places in the code."""
    error = record.exc_info[1] if record.exc_info else None
    trace = error.__traceback__ if error is not None else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = trace and (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
    return record.pathname, record.lineno, type(error), place


spare = Sparing()


class Line:
    """A line at INFO that clients cause so often that most of them are left out.

    Making a line takes longer than noticing that it is one of these.

    :param logger: one of :func:`get_logger`.
    :param sparing: the filter that leaves lines out.
    """

    def __init__(self, logger: logging.Logger, sparing: Sparing = spare) -> None:
        self._logger = logger
        self._sparing = sparing
        self._kind: Kind | None = None

    def is_due(self) -> bool:
        """Whether the next line is written; if not, it is counted as left out."""
        if not self._logger.isEnabledFor(logging.INFO):
            return False
        return self._kind is None or not self._sparing.leaves_out(self._kind)

    def write(self, text: str, *args: object, extra: Mapping[str, Any]) -> None:
        """Write the line, after :meth:`is_due`; always called at the same place."""
        caller = sys._getframe(1)
        # That of the record which is about to be made.
        self._kind = caller.f_code.co_filename, caller.f_lineno, type(None), None
        self._logger.info(text, *args, extra=extra, stacklevel=2)


def make_fit(record: logging.LogRecord) -> bool:
    """A filter that escapes each record to one printable line, and lets all pass.

    It also formats the traceback, with the texts of exceptions escaped, and stores it
    in ``exc_text``. Formatters that format ``exc_info`` themselves do not escape it.
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
        return value  # printable, and parts of it may be escaped already
    return escape(value, ARGUMENT)


def describe(error: BaseException) -> str:
    """A traceback as Python formats it, with the texts of exceptions escaped.

    It never raises, even if the exception's own methods do: the caller has to go on.
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
        yield "... (earlier exceptions are not shown)\n"
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
            continue  # the application uses this name for something else
        if not levels:
            yield "  ...\n"
            break
        told = "".join(_describe(each, levels - 1))
        yield from (f"  {line}\n" for line in told.splitlines())


def _several(error: BaseException, name: str) -> Sequence[object]:
    """The first members of an attribute that may be a sequence."""
    try:
        members = getattr(error, name, ())
        return list(members[:MEMBERS]) if isinstance(members, (list, tuple)) else ()
    except BaseException:  # raised by a property or by `__getattr__`
        return ()
