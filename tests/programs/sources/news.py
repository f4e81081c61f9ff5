"""News from Redis: each client's namespace listens in a greenlet of its own."""

import json
import logging

from gevent.queue import Queue
from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class Redis(object):
    """What the program uses of redis-py, in this process."""

    subscribers = []

    def pubsub(self):
        return PubSub()

    def publish(self, channel, data):
        found = [each for each in self.subscribers if channel in each.channels]
        for each in found:
            each.queue.put({"type": "message", "channel": channel, "data": data})
        return len(found)


class PubSub(object):
    def __init__(self):
        self.channels = set()
        self.queue = Queue()

    def subscribe(self, *channels):
        for each in channels:
            self.channels.add(each)
            self.queue.put({"type": "subscribe", "channel": each, "data": 1})
        if self not in Redis.subscribers:
            Redis.subscribers.append(self)

    def close(self):
        Redis.subscribers.remove(self)

    def listen(self):
        while True:
            yield self.queue.get()


class NewsNamespace(BaseNamespace):
    def listener(self, pubsub, topic):
        pubsub.subscribe(topic)
        try:
            for message in pubsub.listen():
                if message["type"] != "message":
                    self.emit("subscribed", message["channel"])
                    continue
                self.emit("news", message["channel"], json.loads(message["data"]))
        finally:
            pubsub.close()
            log.info("no listener of %s any more", topic)

    def on_subscribe(self, topic):
        self.spawn(self.listener, Redis().pubsub(), topic)

    def on_publish(self, topic, item):
        return Redis().publish(topic, json.dumps(item))

    def on_unsubscribe(self):
        self.kill_local_jobs()


namespaces = {"/news": NewsNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces, {})
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"news"]
