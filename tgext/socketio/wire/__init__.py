"""The protocols, without I/O: bytes and text in, values out.

Nothing here knows a socket, a greenlet or TurboGears. What a peer sends is either
understood or raises one of the errors of :mod:`~tgext.socketio.wire.errors`.
"""
