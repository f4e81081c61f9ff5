"""``gearbox socketio``: what an application serves, who is connected, and sending.

gearbox imports this module for its list of commands, so what imports TurboGears is
imported when a command runs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from gearbox.command import Command

from .errors import CommandError

__all__ = ["SocketIOCommand"]

#: What each command does, for the help.
LIST = "namespaces, events, guards, channels and options (the default)"
PUBLISH = "send an event to clients, or a message on a channel"
WHO = "who is connected, in all processes"


class SocketIOCommand(Command):
    """Show what an application serves over Socket.IO, and send to its clients"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.set_defaults(action=show)
        _add_common(parser, config_file="development.ini", json=False)
        actions = parser.add_subparsers(title="commands")

        one = actions.add_parser("list", help=LIST, description=LIST)
        one.set_defaults(action=show)
        _add_common(one)

        one = actions.add_parser("publish", help=PUBLISH, description=PUBLISH)
        one.set_defaults(action=publish)
        _add_common(one)
        one.add_argument("to", help="/namespace, or the name of a channel")
        one.add_argument(
            "words",
            nargs="+",
            metavar="word",
            help="for a namespace: a room (- for all), an event, and its arguments as "
            "a JSON list; for a channel: the message in JSON",
        )

        one = actions.add_parser("who", help=WHO, description=WHO)
        one.set_defaults(action=who)
        _add_common(one)
        one.add_argument("namespace", nargs="?", help="one namespace; by default all")
        one.add_argument("room", nargs="?", help="one of its rooms")
        return parser

    def take_action(self, opts: argparse.Namespace) -> int:
        try:
            for line in opts.action(opts):
                print(line)
        except CommandError as error:
            if self.app_args.debug:
                raise
            print(f"gearbox socketio: {error}", file=sys.stderr)
            return 1
        return 0


def _add_common(parser: argparse.ArgumentParser, **defaults: Any) -> None:
    """The options that may stand before a command and after it."""
    parser.add_argument(
        "-c",
        "--config",
        dest="config_file",
        default=defaults.get("config_file", argparse.SUPPRESS),
        help="the ini file of the application (default: development.ini)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        default=defaults.get("json", argparse.SUPPRESS),
        help="print JSON",
    )


def show(opts: argparse.Namespace) -> Iterable[str]:
    """What the applications serve, and their options."""
    from .description import describe
    from .loading import broker_of, load, server_of, settings_of
    from .texts import lines_of_controllers, lines_of_settings

    server = server_of(opts.config_file)
    configs = load(opts.config_file)
    if opts.json:
        described = {
            "applications": [
                {
                    "package": config.get("package_name"),
                    "controllers": [asdict(each) for each in describe(config)],
                    "options": _by_name([*settings_of(config), *broker_of(config)]),
                }
                for config in configs
            ],
            "server": _by_name(server),
        }
        yield json.dumps(described, indent=2, default=str)
        return
    for config in configs:
        yield from lines_of_controllers(describe(config))
        settings = [*settings_of(config), *broker_of(config)]
        yield from lines_of_settings("options of the application", settings)
    yield from lines_of_settings("options of the server", server)


def _by_name(settings: Iterable[Any]) -> dict[str, dict[str, Any]]:
    return {each.name: {"value": each.value, "set": each.is_set} for each in settings}


def publish(opts: argparse.Namespace) -> Iterable[str]:
    """Send an event, or a message on a channel."""
    from . import asking

    config, namespaces = _application(opts.config_file)
    done = asking.publish(config, namespaces, opts.to, opts.words)
    yield json.dumps({"done": done}) if opts.json else done


def who(opts: argparse.Namespace) -> Iterable[str]:
    """Who is connected."""
    from . import asking
    from .texts import lines_of_here

    config, namespaces = _application(opts.config_file)
    found = asking.who(config, namespaces, opts.namespace, opts.room)
    if opts.json:
        yield json.dumps([_as_json(each) for each in found], indent=2)
    else:
        for each in found:
            yield from lines_of_here(each)


def _as_json(here: Any) -> dict[str, Any]:
    return {
        "namespace": here.namespace,
        "room": here.room,
        "count": here.roll.count,
        "processes": here.roll.processes,
        "sockets": [each._asdict() for each in here.roll.entries],
        "present": here.present,
    }


def _application(path: str) -> tuple[Mapping[str, Any], list[str]]:
    """The application of an ini file, and the names of its namespaces."""
    from .description import describe
    from .loading import load

    config, *others = load(path)
    if others:
        text = "it has several applications; name one, as in -c development.ini#shop"
        raise CommandError(f"{path}: {text}")
    found = (each.name for one in describe(config) for each in one.namespaces)
    return config, sorted(set(found))
