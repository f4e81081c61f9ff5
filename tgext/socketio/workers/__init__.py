"""Several processes on one port: ``workers`` in ``[server:main]``.

One parent starts the workers and watches them. It forks before the application is
loaded, while PasteDeploy makes the server, and imports neither the application nor
TurboGears nor gevent. Each worker then goes on as one process would: it loads the
application and serves it.

- A fork, and no new command line: a worker has all that its parent was started with
  (``gearbox serve`` has options for the log, the user, the name of the application),
  and nothing is guessed. Other programs that load a server with PasteDeploy have
  workers, too.
- Before the application: a worker that starts later loads the application anew, so
  SIGHUP serves new code. The parent has no threads, no event loop and no connections
  that a fork could break.

The first worker binds the listening socket, because it knows the options, and gives it
to the parent; all others inherit it. There is one queue of connections, and whoever is
free accepts: a worker that dies, hangs or stops leaves none waiting, as it would with a
socket of its own (``SO_REUSEPORT``). Which worker accepts is decided by
:mod:`tgext.socketio.engine.server.balance`.
"""
