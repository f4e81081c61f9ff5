"""The answer to the opening request decides about the connection, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from tg import MinimalApplicationConfigurator, TGController
from tg.appwrappers.base import ApplicationWrapper
from webob import Response

from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace


class Late(ApplicationWrapper):
    """Decides when the controller has accepted the connection."""

    answer: ClassVar[Any]

    def __call__(self, controller: Any, environ: Any, context: Any) -> Any:
        response = self.next_handler(controller, environ, context)
        if isinstance(self.answer, Exception):
            raise self.answer
        return response if self.answer is None else self.answer


class SocketIO(SocketIOController):
    global_namespace = SocketIOTGNamespace


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (None, 200),
        (Response(status=401), 401),
        (Response(status=404), 404),
        (Response(status=302, location="/login"), 401),
        (Response(status=503), 503),
        (RuntimeError("sesame"), 500),
    ],
    ids=str,
)
def test_a_wrapper_refuses_what_the_controller_accepted(
    serve: Callable[..., Live],
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
    status: int,
) -> None:
    class RootController(TGController):
        socketio = SocketIO()

    monkeypatch.setattr(Late, "answer", answer, raising=False)
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController()})
    configurator.register_application_wrapper(Late)
    application = configurator.make_wsgi_app({}, {})
    live = serve(application=application, resource="socketio", handshake_timeout=0.1)
    answered = live.http().get("/socketio/?EIO=4&transport=polling")
    assert (answered.status, b"sesame" in answered.body) == (status, False)
