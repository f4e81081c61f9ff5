"""The applications of an ini file, and what it says of the server that serves them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

# First of all: it patches the standard library, as it does for the server.
from ..server import StartError, check_applications, read_options  # isort: skip

from paste.deploy import loadapp
from paste.deploy.loadwsgi import SERVER, loadcontext
from tg.wsgiapp import TGApp

from ..configuration import BROKER
from ..drivers import applications
from ..engine.hub.options import Option
from ..engine.hub.settings import OPTIONS
from ..options import APPLICATION_OPTIONS, read_option
from ..serveroptions import OURS
from .errors import CommandError

__all__ = ["Setting", "broker_of", "load", "server_of", "settings_of"]

#: The functions that ``egg:tgext.socketio#socketio`` names.
SERVERS: Final = ("socketio_server_factory", "socketio_server_runner")

#: In the place of what has to stay secret.
HIDDEN: Final = "***"

#: Options whose values are secret, and URLs with a user and a password.
_SECRET = re.compile(r"password|secret")
_CREDENTIALS = re.compile(r"(?<=//)[^/]*(?=@)|(?<=(?:password|username)=)[^&\s]*")


@dataclass(frozen=True)
class Setting:
    """An option, as it holds.

    :ivar value: as text; of a secret one, not the value.
    :ivar is_set: whether it was set, or has its default.
    """

    name: str
    value: str
    is_set: bool


def load(path: str) -> list[Mapping[str, Any]]:
    """The configurations of the applications that an ini file makes.

    :raises CommandError: when the file cannot be read, or there is no such application.
    """
    uri = _uri(path)
    before = set(applications)
    try:
        made = loadapp(uri, relative_to=os.getcwd())
    except Exception as error:
        problem = f"{type(error).__name__}: {_line(error)}"
        text = f"The application of {path} cannot be loaded: {problem}"
        raise CommandError(text) from error
    found = [each for each in applications if each not in before]
    if not found:
        raise CommandError(f"{path} has no TurboGears application")
    _kept.append(made)  # the set of applications does not keep them
    try:
        check_applications(found)
    except StartError as error:
        raise CommandError(str(error)) from None
    for each in found:
        _check_root(each)
    return [each.config for each in found]


_kept: list[Any] = []


def _check_root(app: Any) -> None:
    if app.config.get("tg.root_controller") is None:
        try:
            TGApp.lookup_controller(app.config, "root")
        except Exception as error:
            problem = f"{type(error).__name__}: {_line(error)}"
            text = f"The application's root controller cannot be imported: {problem}"
            raise CommandError(text) from error


def _uri(path: str) -> str:
    if "://" not in path and not Path(path.partition("#")[0]).is_file():
        raise CommandError(f"there is no file {path}; name it with -c")
    return f"config:{path}"


def server_of(path: str) -> list[Setting]:
    """The options of the server of an ini file; none when it uses another server.

    :raises CommandError: when one is unknown or invalid.
    """
    try:
        context = loadcontext(SERVER, _uri(path), "main", relative_to=os.getcwd())
    except LookupError:
        return []
    if getattr(context.object, "__name__", "") not in SERVERS:
        return []
    given = dict(context.local_conf)
    try:
        read_options(given)
        return [_setting(each, given) for each in (*OURS.values(), *OPTIONS.values())]
    except (StartError, ValueError) as error:
        raise CommandError(str(error)) from None


def _setting(option: Option, given: Mapping[str, Any]) -> Setting:
    value = given.get(option.name)
    checked = option.check(option.read(value))
    is_set = value is not None
    if checked is None:
        text = option.shown or "none"
    else:
        text = _shown(option.name, str(value)) if is_set else option.default_text
    return Setting(option.name, text.replace("``", ""), is_set)


def settings_of(config: Mapping[str, Any]) -> list[Setting]:
    """The options of an application."""
    found = []
    for name, option in APPLICATION_OPTIONS.items():
        is_set = config.get(name) is not None
        value = str(read_option(config, name)) if is_set else option.default_text
        found.append(Setting(name, _shown(name, value) if is_set else value, is_set))
    return found


def broker_of(config: Mapping[str, Any]) -> list[Setting]:
    """The options of its broker."""
    return list(_broker_of(config))


def _broker_of(config: Mapping[str, Any]) -> Iterator[Setting]:
    name = f"{BROKER}backend"
    yield Setting(name, str(config.get(name, "memory")), name in config)
    for each in sorted(map(str, config)):
        if each.startswith(BROKER) and each != name:
            yield Setting(each, _shown(each, str(config[each])), True)


def _shown(name: str, value: str) -> str:
    return HIDDEN if _SECRET.search(name) else _CREDENTIALS.sub(HIDDEN, value)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
