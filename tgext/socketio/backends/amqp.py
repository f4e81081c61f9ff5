"""Channels over AMQP 0.9.1, which RabbitMQ speaks.

anypubsub's own backend was written for py-amqp 1, and all its subscriptions wait for
the same connection. This one has the same interfaces and options, and the same fanout
exchange for each channel. It uses py-amqp 5, and a connection for each subscription.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

import amqp
from amqp.exceptions import AccessRefused, AMQPError, NotAllowed, NotFound
from anypubsub.interfaces import PubSub, Subscriber
from paste.deploy.converters import asbool

from ..engine.hub.options import SECONDS, SECONDS_OR_0, Kind
from .channelnames import check_channel
from .errors import BackendError, BackendOptionError, BrokerUnavailable
from .options import TEXT, read_options
from .urls import Credentials, check_host, read_amqp

#: The errors of a connection that is lost.
LOST: Final = (AMQPError, OSError)

#: The type of each option; the options are py-amqp's.
OPTIONS: Final[dict[str, Kind]] = {
    "host": TEXT,
    "userid": TEXT,
    "password": TEXT,
    "virtual_host": TEXT,
    "ssl": Kind(asbool, "true or false", lambda name, value: bool(value)),
    "connect_timeout": SECONDS,
    "read_timeout": SECONDS,
    "write_timeout": SECONDS,
    "heartbeat": SECONDS_OR_0,
}

_DEFAULTS: Final[dict[str, Any]] = {
    "connect_timeout": 2.0,
    "read_timeout": 5.0,
    "write_timeout": 5.0,
    "heartbeat": 10.0,
}


def from_options(options: Mapping[str, Any]) -> AmqpPubSub:
    """The backend for the options of a configuration, which are text.

    :raises BackendOptionError: when one is invalid.
    """
    return AmqpPubSub(**read_options("amqp", OPTIONS, options))


class AmqpPubSub(PubSub):
    """Publishes and subscribes over a broker.

    :param host: a host, ``host:port``, or a URL: ``amqp://user:password@host/vhost``,
        or ``amqps://`` for TLS.
    :param options: options of py-amqp's connections.
    :raises BackendOptionError: when the URL is invalid.
    """

    def __init__(
        self,
        host: str = "localhost",
        userid: str = "guest",
        password: str = "guest",  # noqa: S107  the default of brokers
        **options: Any,
    ) -> None:
        given = {"host": host, "userid": userid, "password": password}
        if "://" in host:
            given |= read_amqp(host)
        else:
            check_host(host, "amqp")
        self._options = {**_DEFAULTS, **options, **given}
        names = ("userid", "password")
        self._credentials = Credentials(self._options[name] for name in names)
        self.name = f"AMQP broker at {self._options['host']}"
        self._publishing = threading.Lock()
        self._publisher: Any = None

    def connect(self, **options: Any) -> Any:
        """Open a connection.

        :raises BackendError: when the broker cannot be reached, or refuses.
        """
        connection = amqp.Connection(**{**self._options, **options})
        try:
            connection.connect()
        except (*LOST, ValueError) as error:
            # ValueError: the name of the host, or its port, is invalid.
            connection.collect()
            self.explain(error)
        return connection

    def publish(self, channel: str, message: str | bytes) -> None:
        """Publish a message.

        :raises ValueError: when the name of the channel is invalid.
        :raises BackendError: when the broker does not confirm it within seconds.
        """
        channel = check_channel(channel)
        # Publishers share one connection, and wait for it as long as for its answer.
        if not self._publishing.acquire(timeout=self._options["read_timeout"]):
            raise BrokerUnavailable(
                f"{self.name} does not answer in time: earlier messages still wait"
            )
        try:
            self._publish(channel, message)
        except NotFound:
            # The exchange has ended with its last subscription: nobody listens.
            self._drop_publisher()
        except LOST as error:
            self._drop_publisher()
            self.explain(error)
        except BaseException:
            self._drop_publisher()
            raise
        finally:
            self._publishing.release()

    def _publish(self, channel: str, message: str | bytes) -> None:
        sender = self._sender(channel)
        sender.basic_publish(amqp.Message(message), exchange=channel)

    def _sender(self, channel: str) -> Any:
        """An AMQP channel, on which the exchange of the channel is declared."""
        if self._publisher is not None:
            try:
                return _declared(self._publisher, channel)
            except LOST:
                self._drop_publisher()  # it was lost after its last use
        # The broker confirms each message.
        self._publisher = self.connect(confirm_publish=True).channel()
        return _declared(self._publisher, channel)

    def _drop_publisher(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None and publisher.connection is not None:
            publisher.connection.collect()

    def subscribe(self, *channels: str) -> AmqpSubscriber:
        """Subscribe to channels.

        :raises ValueError: when one of the names is invalid.
        :raises BackendError: when the broker cannot be reached, or refuses.
        """
        return AmqpSubscriber(self, tuple(map(check_channel, channels)))

    def close(self) -> None:
        """Close the connection for publishing."""
        with self._publishing:
            self._drop_publisher()

    def explain(self, error: Exception) -> NoReturn:
        """Raise an error that names the option to check.

        :raises BackendError: always.
        """
        said = self._credentials.hide(error)
        if isinstance(error, AccessRefused):
            explained: BackendError = BackendOptionError(
                "anypubsub.password", f"{self.name} refuses it: {said}"
            )
        elif isinstance(error, NotAllowed):
            explained = BackendOptionError(
                "anypubsub.virtual_host", f"{self.name}: {said}"
            )
        else:
            text = f"anypubsub.host: {self.name} cannot be reached: {said}"
            explained = BrokerUnavailable(text)
        raise explained from self._credentials.cause(error)


class AmqpSubscriber(Subscriber):
    """Iterates over the messages of channels, until it is closed."""

    def __init__(self, backend: AmqpPubSub, channels: tuple[str, ...]) -> None:
        self._messages: list[Any] = []
        self._connection: Any = backend.connect(read_timeout=None)
        self._interval = float(self._connection.heartbeat) / 2 or None
        try:
            channel = self._connection.channel()
            queue = channel.queue_declare(exclusive=True, auto_delete=True).queue
            for name in channels:
                _declared(channel, name).queue_bind(queue, name)
            channel.basic_consume(queue, callback=self._take, no_ack=True)
        except LOST as error:
            self.close()
            backend.explain(error)
        except BaseException:
            self.close()
            raise

    def _take(self, message: Any) -> None:
        self._messages.append(message.body)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        while not self._messages:
            if self._connection is None:
                raise StopIteration
            try:
                self._connection.drain_events(timeout=self._interval)
            except TimeoutError:
                pass
            if self._connection is not None and self._interval is not None:
                self._connection.heartbeat_tick()
        return self._messages.pop(0)

    next = __next__

    def close(self) -> None:
        """End the subscription."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.collect()


def _declared(channel: Any, name: str) -> Any:
    """An AMQP channel, after the exchange of one of our channels was declared on it."""
    channel.exchange_declare(name, "fanout")
    return channel
