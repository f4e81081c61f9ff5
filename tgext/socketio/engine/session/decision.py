"""Runs the application's code, which decides whether a client is admitted.

The namespace is made, then its ``authorize_connect``, ``initialize`` and
``recv_connect`` run. Each of these, and each wrapper that the runner adds, may refuse
the client by raising an exception.
"""

from __future__ import annotations

from inspect import iscoroutine
from typing import Any

from ...wire.socketio.packet import Packet
from ..namespaces.errors import ConnectionRefused
from ..recovery.auth import without_pid
from .candidate import Candidate
from .connection import Connection
from .environ import environ_for
from .factories import Factory, make
from .recovery import restore
from .states import State


def decide(socket: Connection, candidate: Candidate, factory: Factory) -> None:
    """Make a namespace for a candidate, and let it decide.

    Returns when the namespace accepts the client, or when the candidate's state is not
    ``ASKING`` any more; otherwise raises the exception that refused the client.
    """
    run = socket.runner.run
    run(_make, socket, candidate, factory, candidate.packet)
    check(candidate)
    if candidate.state is not State.ASKING:
        return
    assert candidate.namespace is not None
    candidate.keep()
    socket.active_ns[candidate.endpoint] = candidate.namespace
    candidate.ready = False
    run(_greet, candidate, candidate.packet)
    candidate.greeted = candidate.ready
    check(candidate)


def check(candidate: Candidate) -> None:
    """Raise an exception if the client is refused after a step.

    :raises ConnectionRefused: or the error of the limit that was exceeded.
    """
    if candidate.stopped is not None:
        raise candidate.stopped
    if candidate.state is not State.ASKING:
        return
    if candidate.was_left or not candidate.ready:
        # A wrapper of the application may have answered without running the step.
        raise ConnectionRefused


def _make(
    socket: Connection, candidate: Candidate, factory: Factory, packet: Packet
) -> None:
    candidate.drop_namespace()  # of an earlier attempt
    candidate.begin()
    environ = environ_for(socket, packet)
    namespace = make(factory, environ, packet["endpoint"], socket.request, candidate)
    namespace._tgsio_auth = packet.get("data")
    if candidate.recovery is not None:
        namespace._tgsio_auth = without_pid(packet.get("data"))
    namespace._tgsio_authorize()
    if candidate.recovery is not None:
        restore(socket, namespace, candidate.recovery)
    for each in type(namespace).__mro__:
        if "initialize" in vars(each):
            _check_ran(vars(each)["initialize"](namespace), "initialize")
    candidate.ready = True


def _greet(candidate: Candidate, packet: Packet) -> None:
    candidate.begin()
    assert candidate.namespace is not None
    _check_ran(candidate.namespace.process_packet(packet), "recv_connect")
    if candidate.failure is not None:
        raise candidate.failure  # the application caught it
    candidate.ready = True


def _check_ran(result: Any, method_name: str) -> None:
    """Refuse the client if a method has not run: it may have been to refuse it.

    :raises TypeError: when the method was a coroutine function.
    """
    if iscoroutine(result):
        result.close()
        raise TypeError(
            f"{method_name} is async def, and nothing awaits it: write def. Until "
            "then, its namespace refuses all clients"
        )
