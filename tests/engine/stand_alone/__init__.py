"""Programs for gevent-socketio that are started by themselves, without a framework.

They are as people wrote them ten years ago, and as 2to3 leaves them: with gevent-
socketio's imports and options, views that answer anything, and routes that know nothing
of today's clients. The tests start them with the imports that the documentation names.
"""
