"""What is known of a connection."""

from __future__ import annotations

import pytest

from ..clients import RESOURCE
from ..conftest import Serve
from ..sample_namespaces import Echo

PAGE = b"GET /page HTTP/1.1\r\nHost: here\r\n\r\n"
TARGET = f"{RESOURCE}/?EIO=4&transport=polling"
POLL = f"GET {TARGET} HTTP/1.1\r\nHost: here\r\n\r\n".encode()


@pytest.mark.parametrize("first", [PAGE, POLL])
@pytest.mark.parametrize("size", [1, 40, 1000])
def test_what_was_read_before_is_served_in_order(
    serve: Serve, first: bytes, size: int
) -> None:
    """The two kinds of requests, from one owner of the connection to the other."""
    raw = serve({"/chat": Echo}, handshake_timeout=0.2).raw()
    data = first + PAGE + POLL + POLL + PAGE + PAGE
    for at in range(0, len(data), size):
        raw.send_raw(data[at : at + size])
    texts = [raw.receive_reply().text for _ in range(6)]
    kinds = ["page" if each == "a page" else each[:6] for each in texts]
    opened = '0{"sid'
    begins = "page" if first is PAGE else opened
    assert kinds == [begins, "page", opened, opened, "page", "page"]
