"""The variables of a request."""

from __future__ import annotations

import pytest

from tgext.socketio.engine.http.environ import complete_variables
from tgext.socketio.engine.http.headers import parse_head


@pytest.mark.parametrize(
    ("client", "variables"),
    [
        (("10.0.0.1", 5000), {"REMOTE_ADDR": "10.0.0.1", "REMOTE_PORT": "5000"}),
        (("::1", 5000, 0, 0), {"REMOTE_ADDR": "::1", "REMOTE_PORT": "5000"}),
        (("10.0.0.1", ""), {"REMOTE_ADDR": "10.0.0.1"}),
        ("", {}),
    ],
    ids=["IPv4", "IPv6", "a proxy did not tell the port", "a Unix socket"],
)
def test_they_are_those_of_the_fields_and_of_the_first_line(
    client: object, variables: dict[str, str]
) -> None:
    head = parse_head(b"POST /a%20b?c=d HTTP/1.0\r\nX-Own: 1\r\n\r\n")
    assert complete_variables(head, client) == {
        "HTTP_X_OWN": "1",
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a b",
        "QUERY_STRING": "c=d",
        "SERVER_PROTOCOL": "HTTP/1.0",
        **variables,
    }
