"""Programs as people wrote them for gevent-socketio, compared with gevent-socketio.

``sources`` has the programs, which import ``socketio``. For each, the module of the
same name in ``plays`` has the steps of its clients. They are played with
gevent-socketio's fork for Python 3, with the engine, and with a mount in TurboGears. Of
the program, only the imports are changed, as ``docs/coming_from_gevent_socketio.rst``
tells. What each client receives, and what the program logs, must be the same
everywhere, but for the ``DIFFERENCES`` of the play, each with its reason.
"""
