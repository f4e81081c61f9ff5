"""The parent of the workers: a process that forks, waits and is told by signals.

It has to run before gevent and TurboGears are imported, and imports only what it needs
from the standard library: what it has imported is not loaded anew in a worker.
"""

from __future__ import annotations

import configparser
import json
import logging
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping
from logging.config import fileConfig
from mmap import mmap
from typing import Any, Final

from .inherited import LOGGER, Inherited
from .supervision import Supervision

__all__ = ["Parent", "set_up_logging"]

log = logging.getLogger(LOGGER)

#: The signals that the parent takes. A worker that does not serve yet ends at SIGTERM;
#: it ignores the others, which a terminal sends to all.
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)

#: In the memory of the connections: nobody has this index; a worker has it that does
#: not accept connections yet.
FREE: Final = -1
TAKEN: Final = -2

_MESSAGE: Final = 4096


class _Forked(BaseException):
    """This process is a worker."""

    def __init__(self, inherited: Inherited) -> None:
        super().__init__()
        self.inherited = inherited


class _Child:
    """A worker as its parent has it.

    :ivar control: the stream to it.
    :ivar own: its index in the memory of the connections.
    :ivar speaks: whether more may come on the stream.
    """

    def __init__(self, control: socket.socket, own: int) -> None:
        self.control = control
        self.own = own
        self.speaks = True


class Parent:
    """Runs workers until it is told to stop.

    :param workers: how many.
    """

    def __init__(self, workers: int) -> None:
        self._count = workers
        self._children: dict[int, _Child] = {}
        self._listener: socket.socket | None = None
        #: The file of the listening socket, if it has one: its path, device and inode.
        self._file = ""
        self._identity: tuple[int, int] | None = None
        # While one worker replaces another, there is one more.
        slots = 2 * workers + 8
        self._counts = memoryview(mmap(-1, 8 * slots)).cast("q")
        for each in range(slots):
            self._counts[each] = FREE
        self._told: deque[int] = deque()
        self._before: dict[int, Any] = {}
        self._wakeup = socket.socketpair()
        for end in self._wakeup:
            end.setblocking(False)
        self._supervision = Supervision(workers, self)

    def run(self) -> Inherited | int:
        """Run the workers.

        :returns: in each worker, as soon as it is there, what it has from its parent;
            in the parent at the end its exit status.
        :raises ValueError: in a thread that is not the main thread, which gets no
            signals.
        """
        for number in SIGNALS:
            self._before[number] = signal.signal(number, self._take)
        before = signal.set_wakeup_fd(
            self._wakeup[1].fileno(), warn_on_full_buffer=False
        )
        try:
            self._supervision.begin(time.monotonic())
            while self._supervision.status is None:
                self._wait()
            self._remove_file()
            return self._supervision.status
        except _Forked as forked:
            return forked.inherited
        finally:
            signal.set_wakeup_fd(before)
            for end in self._wakeup:
                end.close()

    # The loop

    def _take(self, number: int, frame: object) -> None:
        self._told.append(number)

    def _wait(self) -> None:
        now = time.monotonic()
        due = self._supervision.next_time()
        seconds = None if due is None else max(0.0, due - now)
        children = self._children.items()
        streams = {each.control: pid for pid, each in children if each.speaks}
        ready, _, _ = select.select([self._wakeup[0], *streams], [], [], seconds)
        for each in ready:
            if each is self._wakeup[0]:
                each.recv(_MESSAGE)
            else:
                self._hear(streams[each])
        while self._told:
            self._do(self._told.popleft())
        self._reap()
        self._supervision.tick(time.monotonic())

    def _do(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._supervision.reload(time.monotonic())
        elif number != signal.SIGCHLD:
            log.info("%s was received", signal.Signals(number).name)
            self._supervision.stop(time.monotonic())

    def _hear(self, pid: int) -> None:
        """Read what a worker says: that it serves, and where the first one listens."""
        child = self._children[pid]
        try:
            data, fds, _, _ = socket.recv_fds(child.control, _MESSAGE, 1)
        except OSError:
            data, fds = b"", []
        for each in fds:
            if self._listener is None:
                self._listener = socket.socket(fileno=each)
            else:
                os.close(each)
        if data:
            said = json.loads(data)
            if said["file"]:
                self._file = said["file"]
                self._identity = _identity_of(self._file)
            self._supervision.serves(pid, said["grace"], time.monotonic())
        else:
            child.speaks = False

    def _reap(self) -> None:
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                child = self._children.pop(pid)
                child.control.close()
                self._counts[child.own] = FREE
                code = os.waitstatus_to_exitcode(status)
                self._supervision.ended(pid, code, time.monotonic())

    # What supervision does

    def start(self) -> int:
        """Start a worker. In the worker, this does not return."""
        control, end = socket.socketpair()
        own = next(i for i, count in enumerate(self._counts) if count == FREE)
        for output in (sys.stdout, sys.stderr):
            output.flush()  # or the worker writes what waits here, too
        # A signal that comes before the worker has its own handlers waits.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            pid = os.fork()
            if not pid:
                self._become_worker(control, end, own)
        except OSError:
            control.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            end.close()
        self._counts[own] = TAKEN
        self._children[pid] = _Child(control, own)
        return pid

    def _become_worker(
        self, control: socket.socket, end: socket.socket, own: int
    ) -> None:
        # The parent's ends of the other streams are closed: they end with the parent.
        control.close()
        for each in self._children.values():
            each.control.close()
        for number in SIGNALS:
            signal.signal(number, _ignore)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, self._before[signal.SIGCHLD])
        _move_descriptors_of_systemd()
        listener = None if self._listener is None else self._listener.detach()
        raise _Forked(Inherited(end.detach(), listener, self._counts, own, self._count))

    def tell(self, pid: int, word: str) -> None:
        """Tell a worker something; one that has ended is not told."""
        try:
            self._children[pid].control.sendall(f"{word}\n".encode())
        except OSError as error:
            log.debug("Worker %d was not told: %s", pid, error)

    def kill(self, pid: int, number: signal.Signals) -> None:
        """Send a signal to a worker; its pid is its own until it was waited for."""
        os.kill(pid, number)

    def close_listener(self) -> None:
        """Accept no more connections, once the workers have stopped."""
        if self._listener is not None:
            self._listener.close()

    def _remove_file(self) -> None:
        if self._identity is not None and self._identity == _identity_of(self._file):
            os.unlink(self._file)


def _identity_of(path: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _ignore(number: int, frame: object) -> None:
    """A handler, because programs that the application starts inherit SIG_IGN."""


def _move_descriptors_of_systemd() -> None:
    """The descriptors that systemd has given to the parent are the worker's, too."""
    if os.environ.get("LISTEN_PID") == str(os.getppid()):
        os.environ["LISTEN_PID"] = str(os.getpid())


def set_up_logging(global_config: Mapping[str, Any]) -> None:
    """Log where the ini file says, as a worker does when it has loaded it.

    If it has handlers that are not the standard library's, the log stays where it is:
    the parent must not import what they are made of.
    """
    path = global_config.get("__file__")
    parser = configparser.RawConfigParser()
    if not path or not parser.read(path) or not parser.has_section("loggers"):
        return
    sections = (parser[each] for each in parser.sections())
    classes = [each["class"] for each in sections if "class" in each]
    if not all(map(_is_standard, classes)):
        return
    defaults = {"__file__": path, "here": os.path.dirname(path)}
    fileConfig(path, defaults, disable_existing_loggers=False)


def _is_standard(name: str) -> bool:
    """Whether the class of a handler or a formatter is one of ``logging``."""
    package, dot, _ = name.partition(".")
    return not dot or package in ("logging", "handlers")
