"""Listening sockets: on a port, on a path (Unix), or handed over by systemd.

``host`` says which: a name or an address, ``unix:/run/app.sock``, or ``fd://3``.
:func:`place_of` reads it, and the ``listen`` of the place makes the socket.
"""

from __future__ import annotations

import errno
import os
import socket as native_socket
import stat
from abc import ABC, abstractmethod
from collections.abc import Mapping
from socket import AF_INET, AF_INET6, SOCK_STREAM
from typing import Any

from gevent.socket import socket

from ...wire.origin import join_port
from .sockets import NativeSocket

__all__ = ["BACKLOG", "MAPPED", "Descriptor", "Path", "Place", "Port", "place_of"]

#: Connections that the kernel keeps until they are accepted: when a server was
#: restarted, all its clients connect again at once.
BACKLOG = 1024

#: Windows has none in Python.
AF_UNIX: Any = getattr(native_socket, "AF_UNIX", None)

#: How the address of an IPv4 client begins where a socket serves IPv6 too (RFC 4291,
#: section 2.5.5.2).
MAPPED = "::ffff:"

#: How the option begins for sockets that are not on a port.
UNIX, FD = "unix:", "fd://"

#: The first descriptor that systemd hands over (sd_listen_fds(3)).
FIRST = 3

#: The most bytes of the path of a Unix socket (unix(7): 108 with the zero at its end).
LONGEST_PATH = 107


class Place(ABC):
    """Where a server listens."""

    #: The address family; of a descriptor, known once it listens.
    family: int = AF_INET

    @abstractmethod
    def listen(self, backlog: int = BACKLOG, shared: bool = False) -> Any:
        """Make the listening socket, a gevent socket.

        :param backlog: connections that wait to be accepted.
        :param shared: whether other processes listen on the same port
            (``SO_REUSEPORT``). Other places have one socket, which processes inherit.
        :raises OSError: when it is not possible; ``strerror`` says why.
        """

    def remove(self) -> None:  # noqa: B027 - most leave nothing
        """Remove what :meth:`listen` has left in the file system, if it is still ours.

        It has to be called before the socket is closed: until then no other file can
        look like ours. Repeated calls have no effect.
        """

    def release(self) -> str | None:
        """Leave the file to others that have the socket, too: :meth:`remove` does not.

        :returns: its path; None when there is none.
        """
        return None

    @abstractmethod
    def url(self, scheme: str) -> str:
        """The place as messages show it."""


class Port(Place):
    """A TCP port.

    :param host: a name or an address; an IPv6 address may be in brackets. ``::`` means
        all addresses, also those of IPv4.
    :param port: its number; 0 for any free port.
    """

    def __init__(self, host: str, port: int) -> None:
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        self.host, self.port = host, port
        self.family = AF_INET6 if not host or ":" in host else AF_INET

    def listen(self, backlog: int = BACKLOG, shared: bool = False) -> Any:
        sock = socket(self.family, SOCK_STREAM)
        try:
            sock.setsockopt(native_socket.SOL_SOCKET, native_socket.SO_REUSEADDR, 1)
            if shared:
                sock.setsockopt(native_socket.SOL_SOCKET, native_socket.SO_REUSEPORT, 1)
            if self.family == AF_INET6 and self.host in ("", "::"):
                # Linux has a setting for all programs (net.ipv6.bindv6only).
                both = native_socket.IPPROTO_IPV6, native_socket.IPV6_V6ONLY, 0
                sock.setsockopt(*both)
            sock.bind((self.host, self.port))
            sock.listen(backlog)
        except BaseException:
            sock.close()
            raise
        return sock

    def url(self, scheme: str) -> str:
        return f"{scheme}://{join_port(self.host, self.port)}"


class Path(Place):
    """The path of a Unix socket.

    :param path: a socket file that a dead server has left there is replaced.
    :param mode: the permissions of the file; who connects needs the right to write.
    :param owner: ``user``, ``user:group`` or ``:group``; by default who runs the
        server.
    :raises ValueError: when the path is too long, or there is no such user or group.
    """

    family = AF_UNIX

    def __init__(self, path: str, mode: int = 0o660, owner: str | None = None) -> None:
        if not path or len(os.fsencode(path)) > LONGEST_PATH:
            what = f"has more than {LONGEST_PATH} bytes" if path else "is empty"
            raise ValueError(f"host: the path in {UNIX + path!r} {what}")
        self.path = path
        self._mode = mode
        self._owner = _ids_of(owner) if owner else None
        #: Device and inode of the file.
        self._file: tuple[int, int] | None = None

    def listen(self, backlog: int = BACKLOG, shared: bool = False) -> Any:
        self._remove_stale()
        sock = socket(AF_UNIX, SOCK_STREAM)
        try:
            sock.bind(self.path)
            self._file = self._identity()
            # Nobody can connect before listen().
            os.chmod(self.path, self._mode)
            if self._owner is not None:
                os.chown(self.path, *self._owner)
            sock.listen(backlog)
        except BaseException:
            self.remove()
            sock.close()
            raise
        return sock

    def remove(self) -> None:
        file, self._file = self._file, None
        if file is not None and file == self._identity():
            os.unlink(self.path)

    def release(self) -> str | None:
        file, self._file = self._file, None
        return self.path if file is not None else None

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = os.lstat(self.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _remove_stale(self) -> None:
        """Remove the socket file of a server that is dead."""
        try:
            mode = os.lstat(self.path).st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(mode):
            raise OSError(errno.EEXIST, "there is a file that is not a socket")
        probe = NativeSocket(AF_UNIX, SOCK_STREAM)
        try:
            probe.setblocking(False)
            refused = probe.connect_ex(self.path) == errno.ECONNREFUSED
        finally:
            probe.close()
        if not refused:
            raise OSError(errno.EADDRINUSE, "another program listens there")
        os.unlink(self.path)

    def url(self, scheme: str) -> str:
        return UNIX + self.path


class Descriptor(Place):
    """A listening socket that systemd hands over (socket activation).

    :param number: of the descriptor; the first is 3.
    :param environ: of the process.
    """

    def __init__(self, number: int, environ: Mapping[str, str] = os.environ) -> None:
        self.number = number
        self._environ = environ

    def listen(self, backlog: int = BACKLOG, shared: bool = False) -> Any:
        self._check_handed_over()
        os.set_inheritable(self.number, False)
        # systemd's own stays open: connections wait there while a server restarts.
        own = os.dup(self.number)
        try:
            sock = socket(fileno=own)
        except OSError:
            os.close(own)
            raise OSError(errno.ENOTSOCK, "it is not a socket") from None
        self.family = sock.family
        option = native_socket.SOL_SOCKET, native_socket.SO_ACCEPTCONN
        if sock.type != SOCK_STREAM or not sock.getsockopt(*option):
            sock.close()
            raise OSError(
                errno.EINVAL,
                "it does not listen for streams; a socket unit needs ListenStream= "
                "and Accept=no",
            )
        return sock

    def _check_handed_over(self) -> None:
        """Check that the descriptor is meant for this process (sd_listen_fds(3))."""
        count, pid = (self._environ.get(each) for each in ("LISTEN_FDS", "LISTEN_PID"))
        if count is None or pid is None:
            why = "LISTEN_FDS and LISTEN_PID are not set, as by a socket unit"
        elif pid != str(os.getpid()):
            why = f"LISTEN_PID is {pid[:20]!r}, and this is process {os.getpid()}"
        elif not (count.isdecimal() and 0 <= self.number - FIRST < int(count[:9])):
            why = f"LISTEN_FDS is {count[:20]!r}, and the first descriptor is {FIRST}"
        else:
            return
        raise OSError(errno.EBADF, f"systemd has not handed it over: {why}")

    def url(self, scheme: str) -> str:
        return f"{FD}{self.number}"


def place_of(
    host: str, port: int = 0, mode: int = 0o660, owner: str | None = None
) -> Place:
    """The place that the options of a server name.

    :param host: a name or an address, ``unix:`` and a path, or ``fd://`` and a number.
    :param port: for a name or an address.
    :param mode: the permissions of a Unix socket.
    :param owner: its owner; see :class:`Path`.
    :raises ValueError: when an option is invalid; the message names it.
    """
    if host.startswith(UNIX):
        return Path(host.removeprefix(UNIX), mode, owner)
    if host.startswith(FD):
        number = host.removeprefix(FD)
        if not (number.isdecimal() and number.isascii() and len(number) < 6):
            raise ValueError(f"host: {host[:40]!r} is not {FD}3, or a higher number")
        return Descriptor(int(number))
    return Port(host, port)


def _ids_of(owner: str) -> tuple[int, int]:
    """Numbers of a user and a group; -1 where it stays."""
    import grp  # Windows has neither
    import pwd

    user, _, group = owner.partition(":")
    try:
        return (
            pwd.getpwnam(user).pw_uid if user else -1,
            grp.getgrnam(group).gr_gid if group else -1,
        )
    except KeyError:
        what = "user:group, of this machine"
        raise ValueError(f"socket_owner: {owner[:80]!r} is not {what}") from None
