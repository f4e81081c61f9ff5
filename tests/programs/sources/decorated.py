"""Handlers below decorators that add, drop and check arguments."""

import functools
import logging

from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)

database = {"ann": 1}


def with_db(f):
    """Adds an argument that the client does not send."""

    @functools.wraps(f)
    def wrapper(self, *args):
        return f(self, database, *args)

    return wrapper


def checked(f):
    """Takes an argument that the handler does not get."""

    @functools.wraps(f)
    def wrapper(self, token, *args):
        if token != "secret":
            self.error("denied", "wrong token %s" % token)
            return None
        return f(self, *args)

    return wrapper


def logged(f):
    def wrapper(self, *args, **kwargs):
        log.info("%s%r", f.__name__, args)
        return f(self, *args, **kwargs)

    return wrapper


def takes_packet(f):
    @functools.wraps(f)
    def wrapper(self, packet):
        return f(self, packet["name"], *packet["args"])

    return wrapper


class unpacked(object):
    """A decorator that is a class."""

    def __init__(self, *keys):
        self.keys = keys

    def __call__(self, f):
        keys = self.keys

        @functools.wraps(f)
        def wrapper(self, data, extra=None):
            return f(self, *[data.get(each) for each in keys], extra=extra)

        return wrapper


class DecoratedNamespace(BaseNamespace):
    @with_db
    def on_count(self, db):
        return len(db)

    @with_db
    def on_store(self, db, name, value):
        db[name] = value
        return sorted(db)

    @checked
    def on_delete(self, name):
        del database[name]
        return sorted(database)

    @checked
    @with_db
    @logged
    def on_rename(self, db, old, new):
        db[new] = db.pop(old)
        return sorted(db)

    @takes_packet
    def on_raw(self, name, *args):
        return name, list(args)

    @unpacked("first", "last")
    def on_person(self, first, last, extra):
        return [first, last, extra]

    @logged
    def recv_connect(self):
        self.emit("ready")

    on_alias = on_count


namespaces = {"/decorated": DecoratedNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces)
    return [b"OK"]
