"""Bad input that reaches its session through another process: the same outcome.

Some of each kind are here; :mod:`.all_bad_input` has all.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import make_certificate
from tests.engine import test_bad_input
from tests.engine.conftest import Serve
from tests.vectors.outcomes import Silence

from .detours import WAYS, detours


def sent(case: Any) -> object:
    """What a client sends."""
    return case.values[0].sent


#: Those of clients that ask for more than a session.
CASES = [each for each in test_bad_input.CASES if not isinstance(sent(each), Silence)]

#: One of each kind, by each client.
SOME = list(
    {(type(sent(each)), each.values[1]): each for each in reversed(CASES)}.values()
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=WAYS)
def serve(
    request: pytest.FixtureRequest, serve: Serve, certificate: tuple[Path, Path]
) -> Iterator[Serve]:
    """Servers whose clients come through another one."""
    with detours(serve, request.param, certificate) as start:
        yield start


@pytest.mark.parametrize(("vector", "kind"), SOME)
def test_the_outcome_is_the_same(
    serve: Serve, vector: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = test_bad_input.test_bad_input_is_answered_and_others_are_served
    send(serve, vector, kind, monkeypatch)
