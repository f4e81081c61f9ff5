"""An exception of a block that decides refuses the client."""

from __future__ import annotations

import pytest

from tgext.socketio.engine.concurrency.interruption import Interrupted
from tgext.socketio.engine.session.deciding import Deciding


class Asking:
    failure: BaseException | None = KeyError("an earlier attempt")


@pytest.mark.parametrize("error", [KeyError("a"), SystemExit(), Interrupted()])
def test_an_exception_is_kept_and_raised(error: BaseException) -> None:
    asking = Asking()
    with pytest.raises(type(error)), Deciding(asking):
        raise error
    assert asking.failure is error


def test_a_block_that_succeeds_forgets_earlier_failures() -> None:
    asking = Asking()
    with Deciding(asking):
        pass
    assert asking.failure is None
