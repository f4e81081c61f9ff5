"""Quotes for all, sent by one greenlet that belongs to no client."""

import logging

import gevent
from gevent.queue import Queue
from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)

quotes = Queue()
feeds = []


def feed(server):
    log.info("the feed begins")
    for quote in quotes:
        packet = {
            "type": "event",
            "name": "quote",
            "args": [quote],
            "endpoint": "/ticker",
        }
        for sessid, socket in list(server.sockets.items()):
            if socket.connected:
                socket.send_packet(packet)
    log.info("the feed ends")


class TickerNamespace(BaseNamespace):
    def recv_connect(self):
        if not feeds:
            feeds.append(gevent.spawn(feed, self.socket.server))

    def on_quote(self, symbol, price):
        quotes.put({"symbol": symbol, "price": price})

    def on_close(self):
        quotes.put(StopIteration)


namespaces = {"/ticker": TickerNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces)
    start_response("200 OK", [])
    return []
