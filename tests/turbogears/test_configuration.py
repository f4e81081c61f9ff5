"""Configurations of applications that are refused before the first client."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from anypubsub.backends.memory import MemoryPubSub
from tg import (
    AppConfig,
    FullStackApplicationConfigurator,
    MinimalApplicationConfigurator,
    TGController,
)

from tests.ports import free_port
from tgext.socketio import drivers, server
from tgext.socketio.configuration import ConfigurationError, check_configuration
from tgext.socketio.server import OptionError, socketio_server_runner

REDIS = {"anypubsub.backend": "redis"}
CLUSTER = {"socketio.cluster": "true"}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"socketio.identity_ttl": "5", "another.option": "x", 7: "a key of another"},
        {**CLUSTER, **REDIS, "anypubsub.host": f"127.0.0.1:{free_port()}"},
        {**CLUSTER, **REDIS, "anypubsub.host": "redis+sentinel://here:1/mymaster"},
        {"socketio.cluster": "false", "anypubsub.backend": "memory"},
        {"socketio.event_middleware": "builtins.len, builtins:repr"},
        {"tg.app_globals": SimpleNamespace(anypubsub=MemoryPubSub())},
        # The application has made its backend; what the options say is not used.
        {
            **CLUSTER,
            "anypubsub.backend": "mine",
            "tg.app_globals": SimpleNamespace(anypubsub=object()),
        },
    ],
)
def test_what_is_valid(config: dict[Any, Any]) -> None:
    check_configuration(config)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"socketio.idenity_ttl": "5"},
            "socketio.idenity_ttl is not an option (did you mean "
            "socketio.identity_ttl?); the options are: socketio.activity_timeout, ",
        ),
        ({"socketio.zzz": 1}, "socketio.zzz is not an option; the options are: "),
        ({"socketio.a\nb": 1}, r"socketio.a\nb is not an option; "),
        ({"socketio.cluster": "maybe"}, "socketio.cluster: 'maybe' is not true or"),
        ({"socketio.identity_ttl": "x"}, "socketio.identity_ttl: 'x' is not a number"),
        (
            {"socketio.event_middleware": "nowhere.some\nthing"},
            "socketio.event_middleware: cannot import 'nowhere.some': No module",
        ),
        (CLUSTER, "socketio.cluster: the backend memory reaches no other process"),
        (
            {**CLUSTER, "tg.app_globals": SimpleNamespace(anypubsub=MemoryPubSub())},
            "socketio.cluster: the backend memory reaches no other process",
        ),
        (
            {**CLUSTER, **REDIS, "socketio.cluster_secret": " "},
            "socketio.cluster_secret: it is empty",
        ),
        (
            {**CLUSTER, **REDIS, "socketio.cluster_channel": "x" * 250},
            "socketio.cluster_channel: invalid channel name",
        ),
        (
            {"anypubsub.backend": "rabbits"},
            "anypubsub.backend: there is no backend 'rabbits'; try memory, redis, ",
        ),
        (
            {**REDIS, "anypubsub.hots": "here"},
            "anypubsub.hots: is not an option of the redis backend (did you mean "
            "anypubsub.host?)",
        ),
        (
            {**REDIS, "anypubsub.host": "redis://me:secret#1@here"},
            "anypubsub.host: this URL is invalid",
        ),
        ({**REDIS, "anypubsub.port": "x"}, "anypubsub.port: 'x' is not a whole number"),
        (
            {"anypubsub.backned": "redis"},
            "anypubsub.backned: is not an option of the memory backend (did you mean "
            "anypubsub.backend?)",
        ),
    ],
)
def test_what_is_invalid_is_named_in_one_line(
    config: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        check_configuration(config)
    said = str(raised.value)
    assert said.startswith(message)
    assert "\n" not in said
    assert "secret#1" not in said


def test_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anypubsub", None)
    monkeypatch.delitem(sys.modules, "tgext.socketio.backends.choice", raising=False)
    check_configuration({})  # it needs none
    with pytest.raises(ConfigurationError, match=r"pip install tgext\.socketio\["):
        check_configuration(REDIS)


def by_app_config(options: dict[str, Any]) -> Any:
    config = AppConfig(minimal=True, root_controller=TGController())
    return config.make_wsgi_app(**options)


def by_configurator(configurator: Any, options: dict[str, Any]) -> Any:
    configurator.update_blueprint({"root_controller": TGController()})
    return configurator.make_wsgi_app({}, options)


def by_minimal(options: dict[str, Any]) -> Any:
    return by_configurator(MinimalApplicationConfigurator(), options)


def by_full_stack(options: dict[str, Any]) -> Any:
    configurator = FullStackApplicationConfigurator()
    configurator.update_blueprint(
        {"renderers": ["json"], "default_renderer": "json", "i18n.enabled": False}
    )
    return by_configurator(configurator, options)


@pytest.mark.filterwarnings("ignore:Using AppConfig:DeprecationWarning")
@pytest.mark.parametrize("make", [by_app_config, by_minimal, by_full_stack])
def test_the_server_does_not_start_however_the_application_is_configured(
    monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    before = set(drivers.applications)
    app = make({"socketio.clutser": "true"})
    made = set(drivers.applications) - before
    assert made
    monkeypatch.setattr(server, "applications", made)
    # These would end the process of the tests without success.
    monkeypatch.setattr(server, "atexit", mock.Mock())
    monkeypatch.setattr(server, "end_by", mock.Mock())
    with pytest.raises(OptionError, match=r"did you mean socketio\.cluster\?"):
        socketio_server_runner(app, {})
