"""What ``gearbox socketio`` prints for people; with ``--json``, see ``main.py``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..wire.escape import escape
from .asking import Here
from .description import Call, Controller, Namespace
from .loading import Setting

__all__ = ["lines_of_controllers", "lines_of_here", "lines_of_settings"]

_STEP = "    "


def lines_of_controllers(controllers: Iterable[Controller]) -> Iterator[str]:
    """The controllers with their namespaces, events and channels."""
    empty = True
    for each in controllers:
        empty = False
        yield f"{each.path}  {each.of}{_guarded(each.guards)}"
        for namespace in each.namespaces:
            yield from (f"{_STEP}{line}".rstrip() for line in _namespace(namespace))
    if empty:
        yield "no SocketIOController is mounted"


def _namespace(namespace: Namespace) -> Iterator[str]:
    yield ""
    yield f"{namespace.name}  {namespace.of}{_guarded(namespace.guards)}"
    if namespace.about:
        yield f"{_STEP}{namespace.about}"
    if namespace.features:
        told = (f"{name} = {value}" for name, value in namespace.features.items())
        yield f"{_STEP}{', '.join(told)}"
    for each in namespace.events:
        yield from _call("event", each)
    for each in namespace.channels:
        yield from _call("channel", each)


def _call(kind: str, call: Call) -> Iterator[str]:
    yield f"{_STEP}{kind} {call.name}({call.arguments}){_guarded(call.guards)}"
    for name, text in call.validators.items():
        yield f"{_STEP * 2}{'all' if name == '*' else name}: {text}"


def _guarded(guards: Iterable[str]) -> str:
    texts = ", ".join(guards)
    return f"  [{texts}]" if texts else ""


def lines_of_settings(title: str, settings: Iterable[Setting]) -> Iterator[str]:
    """The options that are set, under a title; nothing when none is."""
    told = [each for each in settings if each.is_set]
    if told:
        yield ""
        yield title
        width = max(len(each.name) for each in told)
        for each in told:
            yield f"{_STEP}{each.name.ljust(width)}  {each.value}"


def lines_of_here(here: Here) -> Iterator[str]:
    """Who is in a namespace or a room."""
    roll = here.roll
    room = "" if here.room is None else f", room {escape(here.room)}"
    clients = _number(roll.count, "client")
    yield f"{here.namespace}{room}: {clients} in {_number(roll.processes, 'process')}"
    for each in roll.entries:
        user = escape(each.user) if each.user else "(anonymous)"
        how = escape(" ".join((each.client, each.transport)))
        yield f"{_STEP}{escape(each.id)}  {user}  {how}  {escape(each.process)}"
    more = roll.count - len(roll.entries)
    if more > 0:
        yield f"{_STEP}and {more} more"
    for user, infos in here.present.items():
        yield f"{_STEP}present: {escape(user)} ({len(infos)})"


def _number(count: int, noun: str) -> str:
    plural = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count} {noun}{plural}"
