"""Publishing on a channel, also from a process without TurboGears."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from tg import config

from ..backends.channelnames import check_channel
from ..backends.choice import backend_of, is_local, shared_backend
from ..engine.concurrency.interruption import sheltered
from ..engine.concurrency.threads import where_served
from ..engine.logs import get_logger
from ..request.transactions import on_commit as call_on_commit
from .channels import channels_of
from .histories import Histories, keep_of
from .log import Keep
from .messages import write

if TYPE_CHECKING:
    from anypubsub.interfaces import PubSub

log = get_logger(__name__)

#: Backends of processes without an application; most have one.
_KEPT: Final = 8


def publish(
    channel: str,
    message: Any,
    settings: Mapping[str, Any] | None = None,
    on_commit: bool = False,
    key: str | None = None,
    history: int | None = None,
    history_ttl: float = 300.0,
) -> None:
    """Send a message to all listeners of a channel, in every process.

    :param message: anything that can be written as JSON, with bytes in it.
    :param settings: the configuration, when there is no TurboGears application, as in
        a script, a Celery worker or a cron job; its ``anypubsub.`` options are read. In
        an application it is the application's by default.
    :param on_commit: whether the message is sent when the current transaction has
        committed, and not at all when that is rolled back; see
        :func:`~tgext.socketio.transactions.on_commit`. It is written now.
    :param key: of messages with one key, only the first is sent in the time of the
        channel's history.
    :param history: the number of messages that are kept of this channel. By default it
        is what a namespace or a publisher has asked for, in any process.
    :param history_ttl: the seconds that they are kept, with ``history``.
    :raises TypeError: when the message cannot be written as JSON.
    :raises ValueError: when the name of the channel is invalid: see
        :func:`~tgext.socketio.backends.channelnames.check_channel`; when ``history`` is
        not above 0; when there is a key, and the channel has no history.
    :raises BackendError: when an option is invalid (the message names it), or the
        broker does not accept the message within seconds.
    :raises LookupError: when there is neither an application nor ``settings``.
    """
    channel = check_channel(channel)
    text = write(message, channel)
    keep = None if history is None else _keep(history, history_ttl)
    chosen = _chosen(settings)
    args = (channel, text, chosen, keep, key)
    if on_commit:
        call_on_commit(sheltered, where_served, _publish, *args)
    else:
        where_served(_publish, *args)


def _keep(history: int, history_ttl: float) -> Keep:
    keep = keep_of(history, history_ttl)
    if keep is None:
        raise ValueError(
            f"history={history!r}, history_ttl={history_ttl!r}: a whole number and a "
            "number of seconds, both above 0, are needed"
        )
    return keep


def _publish(
    channel: str,
    text: str,
    settings: Mapping[str, Any],
    keep: Keep | None,
    key: str | None,
) -> None:
    if not _is_of_an_application(settings) and is_local(settings):
        log.warning(
            "anypubsub.backend is memory, which reaches only this process: messages "
            "that it publishes have no receivers"
        )
    if _is_of_an_application(settings):
        channels = channels_of(settings)
        if keep is not None:
            channels.histories.declare(channel, keep)
        channels.send(channel, text, keep, key)
        return
    histories = _histories_of(backend_for(settings))
    if keep is not None:
        histories.declare(channel, keep)
    histories.publish(channel, text, keep, key)


@lru_cache(_KEPT)
def _histories_of(backend: PubSub) -> Histories:
    """The histories of a process without an application, which last."""
    return Histories(backend)


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


def _chosen(settings: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The settings, or else the configuration of the application."""
    if settings is not None:
        return settings
    configuration = _configuration()
    if not _is_of_an_application(configuration):
        raise LookupError(
            "There is no TurboGears application in this process: give publish the "
            "configuration as `settings`, such as "
            "{'anypubsub.backend': 'redis', 'anypubsub.host': 'redis://localhost'}."
        )
    return configuration


def _is_of_an_application(settings: Mapping[str, Any]) -> bool:
    # TurboGears' default configuration has the key, with None.
    return settings.get("tg.app_globals") is not None


def backend_for(settings: Mapping[str, Any]) -> PubSub:
    """The backend of an application, or of a process without one.

    :param settings: the configuration of an application, or ``anypubsub.`` options.
    :raises BackendError: when an option is invalid, or the broker cannot be reached.
    """
    if _is_of_an_application(settings):
        return backend_of(settings)
    return shared_backend(settings)
