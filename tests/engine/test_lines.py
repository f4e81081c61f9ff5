"""What log lines say of clients, and the records as attributes."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from tgext.socketio.engine.lines import PREFIX, Details, address_of, details_of
from tgext.socketio.wire.escape import SHOWN

from .conftest import Live, Serve
from .sample_namespaces import Echo
from .test_logs import NASTY


class Someone:
    environ: dict[str, Any] | None = {"REMOTE_ADDR": "10.1.2.3"}
    log_name = "1f2e3d4c"
    _tgsio_user: str | None = "manager"


def test_a_client_is_named_in_the_text_and_in_the_attributes() -> None:
    details = details_of(Someone(), "/chat", event="ask", duration=1.5)
    assert details == {
        "socketio_session": "1f2e3d4c",
        "socketio_user": "manager",
        "socketio_address": "10.1.2.3",
        "socketio_namespace": "/chat",
        "socketio_event": "ask",
        "socketio_duration": 1.5,
    }
    assert details.whose == "user manager, session 1f2e3d4c, 10.1.2.3"


def test_what_is_not_known_is_left_out() -> None:
    class Nobody(Someone):
        environ = None
        _tgsio_user = None

    details = details_of(Nobody(), "")
    assert details == {"socketio_session": "1f2e3d4c", "socketio_namespace": "/"}
    assert details.whose == "anonymous, session 1f2e3d4c, address unknown"
    assert Details().whose == "anonymous, address unknown"


@pytest.mark.parametrize("environ", [None, {}, {"REMOTE_ADDR": ""}])
def test_a_request_may_have_no_address(environ: dict[str, Any] | None) -> None:
    assert address_of(environ) is None


@pytest.mark.parametrize("nasty", [*NASTY, {"a\n": NASTY}, b"\x00\xff", object()])
def test_what_a_client_chose_is_escaped_and_cut(nasty: Any) -> None:
    [value] = Details(event=nasty).values()
    assert value.isprintable()
    assert len(value) <= 12 * SHOWN


def test_an_application_may_have_attributes_of_its_own(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """A record factory that sets names such as ``user`` does not collide with them."""
    caplog.set_level(logging.INFO, "tgext.socketio")
    before = logging.getLogRecordFactory()

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = before(*args, **kwargs)
        for name in ("user", "namespace", "event", "address", "session", "reason"):
            setattr(record, name, "mine")
        return record

    logging.setLogRecordFactory(factory)
    try:
        _refuse(serve({"/chat": Echo}))
    finally:
        logging.setLogRecordFactory(before)
    [record] = caplog.records
    assert vars(record)["user"] == "mine"


def _refuse(live: Live) -> None:
    target = "/socket.io/?EIO=4&transport=a%0Ab"
    assert live.http().get(target).status == 400


def test_formatters_of_json_have_all_attributes(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    _refuse(serve({"/chat": Echo}))
    [record] = caplog.records
    own = {each: val for each, val in vars(record).items() if each.startswith(PREFIX)}
    assert json.loads(json.dumps(own)) == {
        "socketio_address": "127.0.0.1",
        "socketio_allow": "transports is polling, websocket",
        "socketio_method": "GET",
        "socketio_path": "/socket.io/",
        "socketio_reason": "transport a\\nb is not served",
        "socketio_status": "400",
    }
