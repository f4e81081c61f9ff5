"""Channels over Redis.

anypubsub's own backend opens a connection for each subscription, which cannot be closed
and does not survive a restart of Redis. This one has the same interfaces and options,
and receives all channels of a process over one connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import redis
from anypubsub.interfaces import PubSub, Subscriber
from gevent.queue import Queue
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoScriptError, ResponseError
from redis.retry import Retry

from ..engine.hub.options import NUMBER, NUMBER_OR_0, SECONDS, Kind
from .channelnames import check_channel
from .errors import BackendError, BackendOptionError, BrokerRefused, BrokerUnavailable
from .feeds import Heard, check_patched
from .logs.redis import RedisLog
from .options import PORT, TEXT, read_options
from .redis_commands import CALLS, Commands
from .redis_conversation import converse
from .redis_link import LOST
from .redis_listener import RedisListener
from .redis_pool import address_of, credentials_of, make_pool
from .redis_scripts import Argument, Script, encoded
from .urls import OPTION, UNREADABLE, Credentials

#: The type of each option.
OPTIONS: Final[dict[str, Kind]] = {
    "host": TEXT,
    "port": PORT,
    "db": NUMBER_OR_0,
    "username": TEXT,
    "password": TEXT,
    "max_connections": NUMBER,
    "connection_pool": Kind(str, "a pool", lambda name, pool: pool),
    "socket_timeout": SECONDS,
    "socket_connect_timeout": SECONDS,
    "health_check_interval": SECONDS,
}


def from_options(options: Mapping[str, Any]) -> RedisPubSub:
    """The backend for the options of a configuration, which are text.

    :raises BackendOptionError: when one is invalid.
    """
    return RedisPubSub(**read_options("redis", OPTIONS, options))


class RedisPubSub(PubSub):
    """Publishes and subscribes over Redis.

    Subscribing needs a process that gevent has patched, as the server's is; publishing
    works in any process.

    :param host: a host, or a URL: ``redis://``, ``rediss://`` (TLS), ``unix://``, or
        ``redis+sentinel://host:port,host:port/service/db`` (``rediss+sentinel://``),
        whose query may have ``sentinel_username`` and ``sentinel_password``.
    :param max_connections: the number of threads that send at the same time.
    :param connection_pool: a pool of redis-py, which replaces the parameters above.
    :param socket_timeout: seconds within which Redis must answer.
    :param socket_connect_timeout: seconds within which it must accept a connection.
    :param health_check_interval: seconds without input after which the subscribed
        connection is pinged.

    :ivar listener: receives all channels of the process.
    :ivar commands: sends everything else.

    :raises BackendOptionError: when an argument is invalid.
    """

    def __init__(
        self,
        host: str = "localhost",
        port: int | None = None,
        db: int | None = None,
        password: str | None = None,
        max_connections: int | None = None,
        connection_pool: Any = None,
        *,
        username: str | None = None,
        socket_timeout: float = 5.0,
        socket_connect_timeout: float = 2.0,
        health_check_interval: float = 10.0,
    ) -> None:
        given: dict[str, Any] = {
            "port": port,
            "db": db,
            "username": username,
            "password": password,
        }
        options = {
            **{name: value for name, value in given.items() if value is not None},
            "socket_timeout": socket_timeout,
            "socket_connect_timeout": socket_connect_timeout,
            "socket_keepalive": True,
            # No retries: an outage is reported at once, and no message published twice.
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
        }
        self._password_option = "host" if "@" in host else "password"
        pool = connection_pool
        if pool is None:
            pool = make_pool(host, options)
        self.connection_pool: Any = pool
        self._credentials = Credentials(credentials_of(pool))
        self.name = f"Redis at {address_of(pool)}"
        #: Seconds for which a call waits for a connection.
        self.patience = socket_timeout
        self._client = redis.Redis(connection_pool=pool)
        self.commands = Commands(
            self._client,
            self.name,
            max_connections or CALLS,
            socket_timeout,
            self._explained,
            self.late,
        )
        self.listener = RedisListener(
            self._make_connection,
            self.name,
            health_check_interval,
            socket_timeout,
            self._credentials.hide,
        )
        #: The log of its topics.
        self.log = RedisLog(self)
        if connection_pool is None:
            self._check_connection()

    def _make_connection(self) -> Any:
        # Not a connection of the pool, because it is never given back. It always speaks
        # RESP 2: with RESP 3, redis-py handles messages by itself.
        pool = self.connection_pool
        kwargs = {
            name: value
            for name, value in pool.connection_kwargs.items()
            if "maint_notifications" not in name
        }
        kwargs |= {
            "protocol": 2,
            "retry": Retry(NoBackoff(), 0),
            # Names are decoded here, always as UTF-8.
            "decode_responses": False,
        }
        return pool.connection_class(**kwargs)

    def _check_connection(self) -> None:
        # Does not connect. The constructor raises an error for unknown URL options.
        try:
            self._make_connection()
        except (TypeError, ValueError, redis.RedisError):
            raise BackendOptionError(OPTION, UNREADABLE) from None

    def publish(self, channel: str, message: str | bytes) -> int:
        """Publish a message.

        :returns: the number of connections that are subscribed to the channel.
        :raises ValueError: when the name of the channel is invalid.
        :raises BackendError: when Redis does not accept it within seconds.
        """
        # Encoded here: in the encoding of a pool, two names could become the same.
        name = check_channel(channel).encode()
        if isinstance(message, str):
            message = message.encode()
        count = self.commands.send("PUBLISH", name, message)
        self.listener.wake()
        return int(count)

    def run(
        self,
        script: Script,
        keys: Sequence[str] = (),
        args: Sequence[Argument] = (),
        unknown: Callable[[], object] | None = None,
    ) -> Any:
        """Run a script.

        :param unknown: called before the script runs for the first time since Redis
            has started, or forgot its scripts. It may run another one.
        :returns: its answer: an int, None, bytes, or a list of these.
        :raises BackendError: when Redis does not run it within seconds.
        """
        operands = encoded((len(keys), *keys, *args))
        try:
            answer = self.commands.send("EVALSHA", script.sha.encode(), *operands)
        except NoScriptError:
            if unknown is not None:
                unknown()
            # Not SCRIPT LOAD: older versions pass that on to replicas, where a script
            # would be known that has not run there.
            answer = self.commands.send("EVAL", script.text.encode(), *operands)
        self.listener.wake()
        return answer

    def late(self) -> BrokerUnavailable:
        """The error of what has waited too long for what was published before it."""
        return BrokerUnavailable(
            f"{self.name} does not answer in time: what was published before is still "
            "waiting for it"
        )

    def refused(self, said: object) -> BrokerRefused:
        """The error of something that Redis refuses."""
        said = self._credentials.hide(said)
        return BrokerRefused.of(f"{self.name} refuses: {said}")

    def converse(
        self,
        own: str,
        channel: str,
        message: str,
        seconds: float,
        heard: Callable[[Any], int],
    ) -> int:
        """Publish a message and receive the answers, in any process.

        :param own: the channel of the answers; nothing else subscribes to it.
        :param heard: called with each answer; returns how many processes have answered.
        :returns: how many have received the message. It returns when as many have
            answered, or after ``seconds``.
        :raises ValueError: when the name of a channel is invalid.
        :raises BackendError: when Redis does not accept it within seconds.
        """
        own, publish = check_channel(own), partial(self.publish, channel, message)
        try:
            return converse(self._client, own, publish, seconds, heard)
        except LOST as error:
            failure = self._explained(error)
            raise failure from failure.__cause__

    def subscribe(self, *channels: str) -> RedisSubscriber:
        """Subscribe to channels.

        :raises BackendError: when Redis refuses the connection or the channel. If it is
            not there, or is lost later, the backend connects by itself.
        """
        return RedisSubscriber(self, channels)

    def listen(self, channel: str, heard: Heard) -> None:
        """Call ``heard`` with each message; see :class:`.feeds.Feed`.

        :raises ValueError: when the name of the channel is invalid.
        :raises BackendError: when the process is not patched for gevent.
        """
        channel = check_channel(channel)
        check_patched()
        try:
            self.listener.listen(channel, heard)
        except LOST as error:
            failure = self._explained(error)
            raise failure from failure.__cause__

    def unlisten(self, channel: str, heard: Heard) -> None:
        """No longer call ``heard``; does not block."""
        self.listener.unlisten(channel, heard)

    def close(self) -> None:
        """End all subscriptions and connections."""
        self.listener.close()
        self.connection_pool.disconnect()

    def _explained(self, error: Exception) -> BackendError:
        """An error that names the option to check."""
        said = self._credentials.hide(error)
        if isinstance(error, AuthenticationError):
            option, problem = self._password_option, f"{self.name} refuses it"
            explained: BackendError = BackendOptionError(
                f"anypubsub.{option}",
                f"{problem}: {said} (in a URL it has to be percent-encoded)",
            )
        elif isinstance(error, ResponseError) and "DB index" in said:
            explained = BackendOptionError("anypubsub.db", f"{self.name}: {said}")
        elif isinstance(error, ResponseError):
            explained = self.refused(error)
        else:
            text = f"anypubsub.host: {self.name} cannot be reached: {said}"
            explained = BrokerUnavailable(text)
        explained.__cause__ = self._credentials.cause(error)
        return explained


class RedisSubscriber(Subscriber):
    """Iterates over the messages of channels until it is closed."""

    def __init__(self, backend: RedisPubSub, channels: tuple[str, ...]) -> None:
        self._backend = backend
        self._messages: Queue[Any] = Queue()
        self._channels: list[str] = []
        try:
            for channel in channels:
                self._backend.listen(channel, self._messages.put)
                self._channels.append(channel)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> RedisSubscriber:
        return self

    def __next__(self) -> Any:
        message = self._messages.get()
        if message is StopIteration:
            self._messages.put(StopIteration)
            raise StopIteration
        return message

    next = __next__

    def close(self) -> None:
        """End the subscriptions. The iteration ends after the received messages."""
        channels, self._channels = self._channels, []
        for channel in channels:
            self._backend.unlisten(channel, self._messages.put)
        self._messages.put(StopIteration)
