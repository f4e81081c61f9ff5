"""Reasons of disconnects, as namespaces and the log have them.

All but ``slow consumer`` and ``user changed`` are the words of Socket.IO's reference
server.
"""

from __future__ import annotations

#: The client left a namespace.
CLIENT_LEFT = "client namespace disconnect"
#: The server made the client leave a namespace.
SERVER_LEFT = "server namespace disconnect"
#: The client closed the connection, or did not open a transport in time.
TRANSPORT_CLOSE = "transport close"
#: The connection broke, or a request for it was invalid.
TRANSPORT_ERROR = "transport error"
#: The client sent something that is not of its protocol.
PARSE_ERROR = "parse error"
#: The client did not answer a ping, or sent none, in time.
PING_TIMEOUT = "ping timeout"
#: The client did not read its output.
SLOW_CONSUMER = "slow consumer"
#: The server stopped.
SHUTTING_DOWN = "server shutting down"
#: The browser's session or user is no longer that of the connection. The client should
#: reconnect, with its present cookies.
USER_CHANGED = "user changed"
