"""What workers run, in processes without the server."""

import os

from tgext.socketio.pubsub import publish

SETTINGS = {"anypubsub.backend": "redis", "anypubsub.host": os.environ["REDIS_URL"]}


def render(number):
    publish("renders", number, settings=SETTINGS)
