"""A page with the metrics of the servers, for Prometheus.

::

    from tgext.socketio.operation.metrics import BearerToken, MetricsController

    class RootController(BaseController):
        metrics = MetricsController(BearerToken('a long secret'))

It needs ``prometheus_client``: ``pip install tgext.socketio[metrics]``.
"""

from __future__ import annotations

import hmac
from typing import Any

from tg import TGController, config, expose, request, response
from tg.predicates import Predicate

from ..engine.hub.counts import time_events
from .gathering import answer_others, gather

__all__ = ["BearerToken", "MetricsController"]


class MetricsController(TGController):
    """A controller whose only page has the metrics.

    :param predicate: who may read them, as for ``allow_only``: a :class:`BearerToken`,
        a predicate of TurboGears such as ``has_permission('operate')``, or a
        ``require`` with one.
    :raises TypeError: when it is none: metrics tell much about users and load.
    :raises ImportError: when ``prometheus_client`` is not installed.
    """

    def __init__(self, predicate: Any) -> None:
        super().__init__()
        asked = getattr(predicate, "predicate", predicate)
        if not hasattr(asked, "check_authorization"):
            raise TypeError(
                f"MetricsController({predicate!r}): give it a predicate that says who "
                "may read the metrics, such as BearerToken('a long secret') or "
                "has_permission('operate')"
            )
        try:
            from .exposition import text_of
        except ImportError:
            raise ImportError(
                "MetricsController needs the library prometheus_client: "
                "pip install 'tgext.socketio[metrics]'"
            ) from None
        self.allow_only = predicate
        self._text_of = text_of
        time_events()
        answer_others()

    @expose()
    def _default(self, *args: Any, **kwargs: Any) -> bytes:
        snapshots, missing = gather(config._current_obj())
        accept = request.headers.get("Accept", "")
        text, content_type = self._text_of(snapshots, missing, accept)
        response.headers["Content-Type"] = content_type
        response.headers["Cache-Control"] = "no-store"
        return text


class BearerToken(Predicate):
    """Met by requests with ``Authorization: Bearer <token>``, as Prometheus sends it.

    :param token: a secret; at least 16 characters.
    :raises ValueError: when it is shorter.
    """

    message = "The token is missing or wrong"

    def __init__(self, token: str, **kwargs: Any) -> None:
        if not isinstance(token, str) or len(token) < 16:
            raise ValueError("BearerToken: the token has less than 16 characters")
        super().__init__(**kwargs)
        self._token = token.encode()

    def evaluate(self, environ: dict[str, Any], credentials: Any) -> None:
        # WSGI reads the bytes of a header as Latin-1 (PEP 3333). The name of a scheme
        # has no case, and spaces may follow it (RFC 9110, sections 11.1 and 11.4).
        given = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
        scheme, _, token = given.partition(b" ")
        is_token = hmac.compare_digest(token.lstrip(b" "), self._token)
        if scheme.lower() != b"bearer" or not is_token:
            self.unmet()
