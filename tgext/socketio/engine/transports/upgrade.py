"""The upgrade from polling to a WebSocket."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from ...wire.engineio import v4 as engineio
from ...wire.errors import FrameError
from ...wire.websocket.frames import BINARY, TEXT, Message
from ..concurrency.fairness import in_turns
from ..concurrency.heartbeat import Deadline
from ..logs import get_logger
from .polling import PollingTransport
from .websocket import WebSocketTransport

log = get_logger(__name__)


class Upgrade:
    """A WebSocket that takes over from polling (Engine.IO 4, "Upgrade").

    The client sends the ping `probe`, and the server answers with a pong. The server
    also answers the poll that waits with a noop; after that, the client sends an
    upgrade packet. Until then, messages to the client are sent by polling.
    """

    def __init__(
        self, polling: PollingTransport, sock: Any, early: bytes, timeout: float
    ) -> None:
        self.polling = polling
        self.websocket = WebSocketTransport(polling.hub, polling.socket, sock, early)
        self._timeout = timeout

    def run(self) -> WebSocketTransport | None:
        """Upgrade, and run the WebSocket.

        After any other message, or the timeout, the WebSocket is closed and polling
        goes on.
        """
        websocket = self.websocket
        deadline = Deadline(websocket.abort)
        websocket.hub.timers.add(deadline, self._timeout)
        self.polling.follower = websocket
        try:
            rest = self._probe()
        except (FrameError, OSError) as error:
            log.debug("An upgrade failed: %s", error)
            rest = None
        except BaseException:
            self._give_up()
            raise
        finally:
            websocket.hub.timers.discard(deadline)
        if rest is None or self.polling.closed:
            self._give_up()
            return None
        self._switch()
        return websocket.run(partial(self._catch_up, rest))

    def _give_up(self) -> None:
        self.polling.follower = None
        self.polling.socket.claimed = False
        self.websocket.abort()
        self.websocket.reads.close()

    def _switch(self) -> None:
        self.polling.stop()
        prefix = self.polling.socket.generation.prefix
        self.polling.keeps = False
        self.websocket.earlier = self.polling.traffic
        self.polling.outbox.move_to(self.websocket.outbox, prefix)
        # A handler may still run, of an event that came by polling.
        self.websocket.worker = self.polling.inbox.worker
        self.polling.socket.attach(self.websocket)
        self.websocket.start()

    def _catch_up(self, rest: Iterator[Message]) -> Iterator[Message]:
        """Wait until all that came by polling is handled, to keep the order."""
        if self.polling.handled.is_set():
            return rest
        websocket = self.websocket
        websocket.heartbeat.busy = True
        websocket.predecessor = self.polling
        ahead = websocket.read_ahead(rest)
        self.polling.handled.wait()
        websocket.predecessor = None
        return ahead

    def _probe(self) -> Iterator[Message] | None:
        for messages in self.websocket.reads:
            for opcode, payload in in_turns(messages):
                if opcode != TEXT:
                    # A ping or pong may come at any time (RFC 6455, section 5.5).
                    if opcode == BINARY or self.websocket.control(opcode, payload):
                        return None
                elif payload == engineio.PING + engineio.PROBE:
                    if self.websocket.outbox.is_full:
                        return None  # it reads no answers
                    answer = engineio.PONG + engineio.PROBE
                    self.websocket.send_text(answer)
                    self.polling.release_polls()
                elif payload == engineio.UPGRADE:
                    return messages
                else:
                    return None
        return None
