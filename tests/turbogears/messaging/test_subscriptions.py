"""What a namespace class asks for: its other tests are those of the pub/sub."""

from __future__ import annotations

from tgext.socketio.messaging.log import Keep
from tgext.socketio.messaging.subscriptions import Wanted, wanted_by
from tgext.socketio.pubsub import PubSubTGNamespace


def test_a_class_asks_for_nothing() -> None:
    assert wanted_by(PubSubTGNamespace) == Wanted(False, False, None, 0)


def test_a_class_asks_for_a_history() -> None:
    class Asking(PubSubTGNamespace):
        history = 20
        rewind = 2
        pubblication_position = True

    assert wanted_by(Asking) == Wanted(False, True, Keep(20, 300.0), 2)


def test_names_may_be_the_application_s() -> None:
    class Theirs(PubSubTGNamespace):
        history = ["1993", "2015"]
        pubblication_position = "left"

        @property
        def history_ttl(self) -> int:
            raise RuntimeError("not asked")

        def rewind(self) -> None: ...

    assert wanted_by(Theirs) == Wanted(False, False, None, 0)
