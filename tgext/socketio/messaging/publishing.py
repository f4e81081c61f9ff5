"""Publishing on a channel, also from a process without TurboGears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tg import config

from ..backends import feeds
from ..backends.channelnames import check_channel
from ..backends.choice import backend_of, is_local, shared_backend
from ..engine.concurrency.threads import where_served
from ..engine.logs import get_logger
from ..request.jsonify import dumps

if TYPE_CHECKING:
    from anypubsub.interfaces import PubSub

log = get_logger(__name__)


def publish(
    channel: str, message: Any, settings: Mapping[str, Any] | None = None
) -> None:
    """Send a message to all listeners of a channel, in every process.

    :param message: anything that can be written as JSON.
    :param settings: the configuration, when there is no TurboGears application, as in
        a script, a Celery worker or a cron job; its ``anypubsub.`` options are read. In
        an application it is the application's by default.
    :raises TypeError: when the message cannot be written as JSON.
    :raises ValueError: when the name of the channel is invalid: see
        :func:`~tgext.socketio.backends.channelnames.check_channel`.
    :raises BackendError: when an option is invalid (the message names it), or the
        broker does not accept the message within seconds.
    :raises LookupError: when there is neither an application nor ``settings``.
    """
    channel, text = check_channel(channel), dumps(message)
    where_served(_publish, channel, text, _configuration(), settings)


def _publish(
    channel: str,
    text: str,
    configuration: Mapping[str, Any],
    settings: Mapping[str, Any] | None,
) -> None:
    feeds.publish(_backend(configuration, settings), channel, text)


def _configuration() -> Mapping[str, Any]:
    """The configuration of the calling thread's application; empty without one.

    It is read before the call moves to the server's thread, which may run another
    application or none.
    """
    try:
        configuration: Mapping[str, Any] = config.config_proxy.current_conf()
    except AttributeError:
        return {}
    return configuration


def _backend(
    configuration: Mapping[str, Any], settings: Mapping[str, Any] | None
) -> PubSub:
    chosen = configuration if settings is None else settings
    if "tg.app_globals" in chosen:
        return backend_of(chosen)
    if settings is None:
        raise LookupError(
            "There is no TurboGears application in this process: give publish the "
            "configuration as `settings`, such as "
            "{'anypubsub.backend': 'redis', 'anypubsub.host': 'redis://localhost'}."
        )
    if is_local(settings):
        log.warning(
            "anypubsub.backend is memory, which reaches only this process: messages "
            "that it publishes have no receivers"
        )
    return shared_backend(settings)
