"""The log that a backend has."""

from __future__ import annotations

import gc
from weakref import ref

from anypubsub.backends.memory import MemoryPubSub
from anypubsub.interfaces import PubSub

from tests.engine.clients import wait_for
from tgext.socketio.messaging.channels import Channels
from tgext.socketio.messaging.log import Keep, log_of


def test_the_log_of_a_backend_is_one() -> None:
    backend = MemoryPubSub()
    log = log_of(Channels(backend))
    assert log is not None
    assert log_of(Channels(backend)) is log
    assert log_of(Channels(MemoryPubSub())) is not log


def test_other_backends_have_none() -> None:
    class Other(PubSub):
        def publish(self, channel: str, message: str) -> None:
            pass

        def subscribe(self, *channels: str) -> None:
            pass

    assert log_of(Channels(Other())) is None


def test_subscribers_without_a_log_receive_what_is_logged() -> None:
    channels = Channels(MemoryPubSub())
    log, heard = log_of(channels), []
    assert log is not None
    channels.feed.listen("news", heard.append)
    position = log.append("news", "1", Keep(1, 60.0))
    log.append("other", "2", Keep(1, 60.0))
    wait_for(lambda: heard, "it is heard")
    assert heard == [f"{position} 1"]
    assert list(channels.backend.subscribers) == ["news"]
    channels.feed.unlisten("news", heard.append)


def test_a_log_ends_with_its_backend() -> None:
    channels = Channels(MemoryPubSub())
    log = log_of(channels)
    assert log is not None
    ended = ref(log)
    del log, channels
    gc.collect()
    assert ended() is None
