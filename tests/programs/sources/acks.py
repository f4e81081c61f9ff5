"""Questions with answers, both ways."""

import logging

from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)


class AckNamespace(BaseNamespace):
    answers = {
        "nothing": None,
        "number": 1,
        "tuple": (1, "two", [3]),
        "one": ("alone",),
        "empty": (),
        "list": [1, "two", [3]],
        "dict": {"a": {"b": None}},
        "false": False,
        "text": "a,b:c",
    }

    def on_give(self, kind):
        return self.answers[kind]

    def on_question(self, text):
        def answered(*args):
            log.info("answered %r with %r", text, args)
            self.emit("thanks", *args)

        self.emit("question", text, callback=answered)

    def on_quiz(self, questions):
        """Each answer leads to the next question."""
        results = []

        def ask():
            self.emit("quiz", questions[len(results)], callback=answered)

        def answered(answer):
            results.append(answer)
            if len(results) < len(questions):
                ask()
            else:
                self.emit("quiz done", results)

        ask()
        return len(questions)

    def on_many(self, count):
        """The answers may come in any order."""
        for each in range(count):
            self.emit(
                "number",
                each,
                callback=lambda answer, each=each: log.info("%d: %s", each, answer),
            )

    def on_later(self, text):
        def work():
            self.emit("later", text, callback=self.emit_from_callback)

        self.spawn(work)
        return "soon"

    def emit_from_callback(self, *args):
        self.emit("was", list(args))


namespaces = {"/acks": AckNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        socketio_manage(environ, namespaces)
    return []
