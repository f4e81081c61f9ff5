"""What is asked over the broker; ``test_main.py`` asks real processes over Redis."""

from __future__ import annotations

import pytest

from tgext.socketio.command.asking import publish, who
from tgext.socketio.command.errors import CommandError

CLUSTER = {"socketio.cluster": "true"}


def test_names_are_checked_before_anything_is_sent() -> None:
    for ask in (
        lambda: publish(CLUSTER, ["/", "/chat"], "/chta", ["-", "hello"]),
        lambda: who(CLUSTER, ["/", "/chat"], "/chta"),
    ):
        with pytest.raises(CommandError, match=r"did you mean /chat\?\); there are: /"):
            ask()


def test_a_broker_that_carries_no_answers_is_told() -> None:
    with pytest.raises(CommandError, match="memory reaches no other process"):
        who(CLUSTER, ["/chat"])
