"""Fixtures and checks of all tests."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from typing import Any

import pytest

from tests.combinations import thin_out
from tgext.socketio.engine.logs import spare

try:
    from hypothesis import settings
except ModuleNotFoundError:
    pass  # the tests of some environments have no properties
else:
    # How long an example takes says how busy the machine is. All runs have the same
    # examples, unless `tox run -e fuzz` asks for others.
    random = "TGEXT_SOCKETIO_EXAMPLES" in os.environ
    settings.register_profile("tests", deadline=None, derandomize=not random)
    settings.load_profile("tests")

#: Set where everything is installed, so that nothing stays untested unnoticed.
NO_SKIP = os.environ.get("TGEXT_SOCKETIO_NO_SKIP") == "1"


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    # An expected failure is reported as skipped too, but it is not a skip.
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, with TGEXT_SOCKETIO_NO_SKIP=1: {report.longrepr}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    refuse_skip(report)
    return report


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    if os.environ.get("TGEXT_SOCKETIO_DIAGONAL") == "1":
        thin_out(config, items)


def pytest_collection_finish() -> None:
    # More than ten thousand tests are half a million objects, which the collector
    # would visit again and again.
    gc.collect()
    gc.freeze()


@pytest.fixture
def small_heap() -> None:
    """For tests that call the collector, so that it visits only their own objects."""
    gc.collect()  # objects that are garbage already must not be kept for ever
    gc.freeze()


@pytest.fixture(autouse=True)
def fresh_log() -> None:
    """Reset the limit of log lines, which earlier tests may have used up."""
    spare.forget()
