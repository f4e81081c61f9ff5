"""The protocols, without I/O: bytes and text in, values out.

Nothing here imports gevent, sockets or TurboGears. The decoders return what a peer
sent, or raise one of the errors of :mod:`~tgext.socketio.wire.errors`.
"""
