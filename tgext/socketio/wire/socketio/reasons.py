"""Reasons of disconnects, in the words of Socket.IO's reference server."""

from __future__ import annotations

#: The client left a namespace.
CLIENT_LEFT = "client namespace disconnect"
#: The server made the client leave a namespace.
SERVER_LEFT = "server namespace disconnect"
