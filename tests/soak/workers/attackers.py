"""Attackers who know where workers hand requests over, and in which form."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from tgext.socketio.engine.handover.offers import Offer, Origin, write_offer
from tgext.socketio.engine.handover.signed import WINDOW, Seal, sign

#: Where an attacker is: not where the other workers are.
ELSEWHERE = "127.0.0.9"

PATIENCE = 30.0


class Target(NamedTuple):
    """A worker.

    :ivar token: what the ids of its sessions begin with.
    :ivar internal: the port of its internal address.
    :ivar path: of its Unix socket.
    """

    pid: int
    token: str
    internal: int
    path: str


def sockets_of(pid: int) -> set[str]:
    """The inodes of the sockets of a process."""
    links = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.add(os.readlink(each))
        except FileNotFoundError:
            pass  # it was closed meanwhile
    return {each[8:-1] for each in links if each.startswith("socket:[")}


def target(pid: int, token: str, public: int) -> Target:
    """What an attacker on the machine finds out about a worker.

    :param public: the port that all workers have.
    """
    inodes = sockets_of(pid)
    tcp = (each.split() for each in Path("/proc/net/tcp").read_text().splitlines()[1:])
    ports = [
        int(fields[1].partition(":")[2], 16)
        for fields in tcp
        if fields[3] == "0A" and fields[9] in inodes
    ]
    unix = (each.split() for each in Path("/proc/net/unix").read_text().splitlines())
    paths = [
        fields[7]
        for fields in unix
        if len(fields) > 7 and fields[6] in inodes and "tgext.socketio-" in fields[7]
    ]
    [internal] = set(ports) - {public}
    return Target(pid, token, internal, next(iter(paths)))


def poll(target: Target, sid: str) -> Offer:
    """A request for the session of somebody else, as a worker would hand it over."""
    head = (
        f"GET /socketio/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    return Offer(target.token, Origin(("192.0.2.1", 5), "https"), head.encode())


def changed(data: bytes, chance: random.Random) -> bytes:
    """Bytes with a few changes: flipped, cut out, doubled."""
    made = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(made))
        end = at + chance.randint(1, 8)
        match chance.randrange(3):
            case 0:
                made[at] ^= 1 << chance.randrange(8)
            case 1:
                del made[at:end]
            case _:
                made[at:at] = made[at:end]
        if not made:
            return b"\r\n\r\n"
    return bytes(made)


def forged(offer: Offer, seal: Seal, guessed: Seal) -> dict[str, Callable[..., bytes]]:
    """What is sent to an internal address, by name; each is called with a chance.

    :param seal: that of the application: what was recorded on the network.
    :param guessed: one with another secret.
    """

    def late() -> float:
        return -2 * WINDOW

    other = offer._replace(token="another_")
    return {
        "unsigned": lambda chance: offer.begun,
        "another secret": lambda chance: sign(offer, guessed),
        "changed": lambda chance: changed(sign(offer, guessed), chance),
        "garbage": lambda chance: chance.randbytes(300) + b"\r\n\r\n",
        "for another process": lambda chance: sign(other, seal),
        "old": lambda chance: sign(offer, seal, late),
        "truncated": lambda chance: (data := sign(offer, seal))[
            : chance.randrange(len(data))
        ],
        "another session": lambda chance: sign(offer, seal).replace(b"sid=", b"sid=x"),
        "without an end": lambda chance: b"GET / HTTP/1.1\r\n" + b"x" * 100_000,
    }


def send_to_internal(port: int, data: bytes) -> bytes:
    """Send bytes from another address; returns what is answered."""
    with closing(socket.socket()) as sock:
        sock.settimeout(PATIENCE)
        sock.bind((ELSEWHERE, 0))
        sock.connect(("127.0.0.1", port))
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: sock.recv(65536), b""))
        except ConnectionError:
            return b""


def send_to_path(path: str, data: bytes, connections: int) -> bytes:
    """Send bytes and connections to a Unix socket; returns the answer."""
    pairs = [socket.socketpair() for _ in range(connections)]
    with closing(socket.socket(socket.AF_UNIX)) as sock:
        sock.settimeout(PATIENCE)
        sock.connect(path)
        try:
            socket.send_fds(sock, [data], [each[0].fileno() for each in pairs])
            sock.shutdown(socket.SHUT_WR)
            answer = sock.recv(10)
        except ConnectionError:
            answer = b""
    for pair in pairs:
        for each in pair:
            each.close()
    return answer


def forged_offers(offer: Offer) -> dict[str, Callable[..., tuple[bytes, int]]]:
    """What is sent to a Unix socket: bytes, and how many connections."""
    other = offer._replace(token="another_")
    whole = write_offer(offer)
    return {
        "garbage": lambda chance: (chance.randbytes(100), 1),
        "changed": lambda chance: (changed(write_offer(other), chance), 1),
        "for another process": lambda chance: (write_offer(other), 1),
        "truncated": lambda chance: (whole[: chance.randrange(1, len(whole))], 1),
        "without a connection": lambda chance: (whole, 0),
        "many connections of another": lambda chance: (write_offer(other), 50),
    }
