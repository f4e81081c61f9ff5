"""The part of a WSGI environment that a request determines (PEP 3333)."""

from __future__ import annotations

from typing import Any

from .headers import Head


def complete_variables(head: Head, client: Any) -> dict[str, Any]:
    """The variables of a request: those of its fields, and of its first line.

    :param head: its variables are completed.
    :param client: the address of the client, as sockets have it.
    """
    variables: dict[str, Any] = head.variables
    variables["REQUEST_METHOD"] = head.method
    variables["SCRIPT_NAME"] = ""
    variables["PATH_INFO"] = head.path
    variables["QUERY_STRING"] = head.query
    variables["SERVER_PROTOCOL"] = head.version
    if isinstance(client, tuple):
        variables["REMOTE_ADDR"] = str(client[0])
        if client[1] != "":  # a proxy may not tell it
            variables["REMOTE_PORT"] = str(client[1])
    return variables
