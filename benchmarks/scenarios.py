"""The scenarios: their loads, and the servers that they compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import programs
from programs import Server

OURS = Server("tgext.socketio", "/socketio/", programs.ours)
ENGINE = Server("engine", "/socketio/", programs.engine)

NODE = Server("node", "/socket.io/", programs.node)
BUN = Server("bun", "/socket.io/", programs.bun)
PYTHON_SOCKETIO = Server("python-socketio", "/socket.io/", programs.python_socketio)
SIMPLE = Server(
    "python-socketio, simple-websocket", "/socket.io/", programs.python_socketio_simple
)
UVICORN = Server(
    "python-socketio, uvicorn", "/socket.io/", programs.python_socketio_uvicorn
)
FLASK = Server("Flask-SocketIO", "/socket.io/", programs.flask_socketio)
PEERS = (PYTHON_SOCKETIO, SIMPLE, UVICORN, FLASK, NODE, BUN)
#: Not a peer: the cost of the system calls alone.
FLOOR = Server("floor (C)", "/socket.io/", programs.floor)
#: The cost of Python and gevent alone.
BARE = Server("floor (gevent)", "/socket.io/", programs.bare_gevent)

# Servers of plain WebSockets.
CONTROLLER = Server("controller", "/raw", programs.ours)
PICOWS = Server("picows", "/", programs.picows)


@dataclass(frozen=True)
class Scenario:
    """A load, and the servers that are compared under it.

    :ivar unit: what is counted.
    :ivar is_storm: a second process of the server takes over the clients of the first.
    :ivar measures_itself: the server is a program that prints its figures as JSON: text
        by what was measured.
    """

    name: str
    load: tuple[str, ...]
    ours: tuple[Server, ...] = (OURS, ENGINE)
    peers: tuple[Server, ...] = PEERS
    unit: str = "messages"
    is_storm: bool = False
    measures_itself: bool = False

    @property
    def servers(self) -> tuple[Server, ...]:
        return self.ours + self.peers


def fanout(name: str, connections: int, size: int, in_flight: int = 1) -> Scenario:
    load = (
        "--mode=fanout",
        f"--connections={connections}",
        f"--in-flight={in_flight}",
        f"--size={size}",
    )
    return Scenario(name, load, peers=(*PEERS, FLOOR), unit="deliveries")


def channels(name: str, redis: bool) -> Scenario:
    """A channel of 1,000 subscribers; peers use a room. Both with Redis or without."""
    return Scenario(
        name,
        ("--mode=channels", "--connections=1000", "--in-flight=4", "--size=128"),
        ours=(
            Server(
                OURS.name, OURS.path, partial(programs.ours, redis=redis), "/channels"
            ),
        ),
        peers=(
            Server(
                PYTHON_SOCKETIO.name,
                PYTHON_SOCKETIO.path,
                partial(programs.python_socketio, redis=redis),
            ),
            Server(NODE.name, NODE.path, partial(programs.node, redis=redis)),
        ),
        unit="deliveries",
    )


#: A namespace with connection state recovery, in one process and over Redis.
RECOVERED = Server(
    "recovery on", OURS.path, programs.ours, "/recovered", positions=True
)
RECOVERED_REDIS = Server(
    "recovery on, Redis",
    OURS.path,
    partial(programs.ours, redis=True, cluster=True),
    "/recovered",
    positions=True,
)
NODE_RECOVERED = Server(
    "node, recovery on",
    NODE.path,
    partial(programs.node, recovery=True),
    positions=True,
)
NODE_STREAMS = Server(
    "node, recovery on, Redis streams",
    NODE.path,
    partial(programs.node, redis=True, recovery=True, streams=True),
    positions=True,
)


def recovery(name: str, *load: str, unit: str = "messages") -> Scenario:
    """What it costs that clients can recover."""
    return Scenario(
        name,
        load,
        ours=(replace(OURS, name="recovery off"), RECOVERED, RECOVERED_REDIS),
        peers=(NODE, NODE_RECOVERED, NODE_STREAMS),
        unit=unit,
    )


def history(name: str, redis: bool) -> Scenario:
    """What it costs that a channel has a history."""
    ours = partial(programs.ours, redis=redis)
    peer = Server(NODE.name, NODE.path, partial(programs.node, redis=redis))
    return Scenario(
        name,
        ("--mode=channels", "--connections=100", "--in-flight=4", "--size=128"),
        ours=(
            Server("history off", OURS.path, ours, "/channels"),
            Server("history on", OURS.path, ours, "/history"),
        ),
        peers=(peer, replace(NODE_STREAMS, positions=True)) if redis else (peer,),
        unit="deliveries",
    )


def recovery_storm(name: str, lose: str) -> Scenario:
    """All clients of a process come back at another one, and get what they missed."""
    return Scenario(
        name,
        ("--mode=recovery", "--connections=5000", "--size=128", f"--lose={lose}"),
        ours=(replace(RECOVERED_REDIS, name=OURS.name),),
        peers=(NODE_STREAMS,),
        is_storm=True,
    )


def scale(connections: int) -> Scenario:
    load = ("--mode=echo", f"--connections={connections}", "--in-flight=1")
    return Scenario(f"scale-{connections}", load, peers=(NODE, FLOOR))


def old(name: str, *load: str) -> Scenario:
    """Clients 0.9, the only ones that gevent-socketio serves."""
    peer = Server("gevent-socketio", "/socket.io/", programs.gevent_socketio)
    return Scenario(name, ("--protocol=0.9", *load), peers=(peer,))


def raw(name: str, size: int, in_flight: int = 8) -> Scenario:
    """Plain WebSockets."""
    return Scenario(
        name,
        (
            *("--mode=raw", "--connections=100"),
            *(f"--in-flight={in_flight}", f"--size={size}"),
        ),
        ours=(
            CONTROLLER,
            Server("wsgi", "/raw", programs.wsgi),
        ),
        peers=(
            Server("gevent-websocket", "/", programs.gevent_websocket),
            Server("websockets", "/", programs.websockets),
            Server("ws", "/", programs.ws),
            Server("ws, native", "/", partial(programs.ws, native=True)),
            PICOWS,
            Server("socketify", "/", programs.socketify),
            Server("bun", "/", programs.bun_raw),
        ),
        unit="frames",
    )


BUSY = ("--connections=100", "--in-flight=8", "--size=64")

#: The cost of TurboGears' context, its decorators and its wrappers.
EVENT_COST = Scenario(
    "event-cost",
    ("--mode=echo", *BUSY),
    ours=(
        Server("no TurboGears", "/socketio/", programs.engine),
        Server("minimal", "/socketio/", programs.ours),
        Server(
            "minimal, @require and @validate", "/socketio/", programs.ours, "/checked"
        ),
        Server("full-stack", "/socketio/", programs.full_stack, signs_in=True),
        Server(
            "… with i18n.no_session_touch = true",
            "/socketio/",
            partial(programs.full_stack, no_session_touch=True),
            signs_in=True,
        ),
        Server(
            "… and socketio.identity_ttl = 60",
            "/socketio/",
            partial(programs.full_stack, no_session_touch=True, identity_ttl=60),
            signs_in=True,
        ),
    ),
    peers=(),
)


#: What it costs that metrics are read.
METRICS = Scenario(
    "metrics",
    ("--mode=echo", *BUSY),
    ours=(
        replace(OURS, name="without metrics"),
        Server(
            "with metrics",
            OURS.path,
            partial(programs.ours, metrics=True),
            is_scraped=True,
        ),
    ),
    peers=(),
)


def of_full_stack(name: str, namespace: str) -> Server:
    return Server(name, "/socketio/", programs.full_stack, namespace, signs_in=True)


#: What an event of an application costs that was made by ``gearbox quickstart``.
FULL_STACK = Scenario(
    "full-stack",
    ("--mode=echo", *BUSY),
    ours=(
        of_full_stack("looks at nothing", "/bench"),
        of_full_stack("@require(has_permission(…))", "/guarded"),
        of_full_stack("reads the session", "/remembering"),
        of_full_stack("reads from the database", "/querying"),
        of_full_stack("translates", "/translating"),
    ),
    peers=(),
)

#: What a client feels that is connected already, while 200 others connect.
STORM_NEIGHBOUR = Scenario(
    "storm-neighbour",
    ("--mode=storm", "--connections=201", "--neighbour", "--in-flight=1"),
    peers=(PYTHON_SOCKETIO, NODE, BUN),
    unit="connections",
)

ALL = (
    Scenario("echo", ("--mode=echo", *BUSY), peers=(*PEERS, BARE, FLOOR)),
    Scenario("ack", ("--mode=ack", *BUSY), peers=(*PEERS, BARE)),
    Scenario("steady", ("--mode=echo", "--connections=100", "--in-flight=1")),
    fanout("fanout", 1000, 128),
    fanout("fanout-burst", 1000, 128, in_flight=4),
    fanout("fanout-4k", 1000, 4096),
    fanout("fanout-5000", 5000, 128),
    fanout("fanout-5000-4k", 5000, 4096),
    Scenario(
        "rooms",
        (
            *("--mode=rooms", "--connections=5000", "--rooms=100"),
            *("--in-flight=1", "--size=128"),
        ),
        unit="deliveries",
    ),
    channels("channels-memory", redis=False),
    channels("channels-redis", redis=True),
    Scenario("storm", ("--mode=storm", "--connections=200"), unit="connections"),
    STORM_NEIGHBOUR,
    Scenario("idle", ("--mode=idle", "--connections=10000"), unit="nothing"),
    Scenario(
        "idle-18000",
        ("--mode=idle", "--connections=18000"),
        peers=(NODE,),
        unit="nothing",
    ),
    Scenario(
        "mixed",
        ("--mode=echo", "--connections=5000", "--busy=500", "--in-flight=1"),
    ),
    Scenario(
        "greedy",
        ("--mode=echo", "--connections=100", "--in-flight=1", "--greedy=1"),
        peers=(PYTHON_SOCKETIO, NODE),
    ),
    Scenario(
        "polling",
        (
            *("--mode=echo", "--transport=polling"),
            *("--connections=100", "--in-flight=1"),
        ),
    ),
    Scenario(
        "polling-waiting",
        ("--mode=idle", "--transport=polling", "--connections=5000"),
        peers=(NODE,),
        unit="nothing",
    ),
    old("echo-0.9", "--mode=echo", *BUSY),
    old(
        "fanout-0.9",
        *("--mode=fanout", "--connections=1000", "--in-flight=1", "--size=128"),
    ),
    *(scale(connections) for connections in (100, 1000, 10_000)),
    Scenario(
        "scale-idle",
        ("--mode=echo", "--connections=10000", "--busy=100", "--in-flight=1"),
        peers=(NODE,),
    ),
    raw("raw", 64),
    raw("raw-16k", 16384),
    raw("raw-steady", 64, in_flight=1),
    raw("raw-16k-steady", 16384, in_flight=1),
    EVENT_COST,
    FULL_STACK,
    METRICS,
    recovery("recovery-echo", "--mode=echo", *BUSY),
    recovery(
        "recovery-fanout",
        *("--mode=fanout", "--connections=1000", "--in-flight=1", "--size=128"),
        unit="deliveries",
    ),
    history("history-memory", redis=False),
    history("history-redis", redis=True),
    recovery_storm("recovery-storm", "server"),
    recovery_storm("recovery-storm-cut", "connections"),
    Scenario(
        "presence",
        ("benchmarks/presence.py", "10000"),
        ours=(Server(OURS.name, "", partial(programs.presence, members=10_000)),),
        peers=(),
        measures_itself=True,
    ),
    Scenario(
        "handover",
        ("benchmarks/handover.py",),
        ours=(Server(OURS.name, "", programs.handover),),
        peers=(),
        measures_itself=True,
    ),
)

BY_NAME = {each.name: each for each in ALL}

#: The scenarios that run by default; the goals need them.
USUAL = [
    *("echo", "ack", "steady", "fanout", "fanout-burst", "rooms", "channels-redis"),
    *("storm", "idle", "greedy"),
    *("raw", "raw-16k", "raw-steady", "raw-16k-steady"),
    *("scale-100", "scale-1000", "scale-10000", "scale-idle"),
]
