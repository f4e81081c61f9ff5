"""Messages that must arrive, while connections, processes and Redis are lost.

``python -m tests.soak.arrive [--seconds 60] [--seed 1]`` starts two processes of one
application and a Redis that writes an append-only file, and clients of socket.io-client
4.6, 4.7 and 4.8, which recover. Numbered messages are published in both processes. All
the while a proxy loses connections. Each process is killed (SIGKILL) and started again,
and cut off from Redis for a while; Redis is killed and started again, and paused. At
the end it checks that each client has received each message of its rooms once and in
order, and fails if one has not.

``--clients 10 --processes 1 --only`` is the shortest way: no Redis, only lost
connections. ``--anywhere`` sends a client that comes back to any of the processes; by
default it comes back to its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from gevent import monkey

monkey.patch_all()

import gevent  # noqa: E402

from tests.redis_server import RedisServer, running_redis  # noqa: E402
from tests.soak.redis_way import RedisWay  # noqa: E402

from .checker import check  # noqa: E402
from .crowd import Crowd  # noqa: E402
from .disturbances import LENGTHS, Process, Scene, cpu_of, schedule  # noqa: E402
from .ledger import Published, read_ledgers  # noqa: E402
from .observed import Client, read_clients  # noqa: E402
from .way import Cuts, Way  # noqa: E402

#: Seconds within which all is as it should be after a disturbance.
DEADLINE = 60.0

#: The most faults that are printed.
PRINTED = 30


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.soak.arrive", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rooms", type=int, default=50)
    parser.add_argument("--each", type=int, default=1, help="rooms of a client")
    parser.add_argument("--rate", type=float, default=2000.0, help="messages in all")
    parser.add_argument("--cuts", type=float, default=10.0, help="per second")
    parser.add_argument("--processes", type=int, default=2, choices=(1, 2))
    parser.add_argument("--anywhere", action="store_true")
    parser.add_argument("--only", nargs="*", choices=LENGTHS, default=list(LENGTHS))
    parser.add_argument("--keep", type=Path, help="a directory for logs and ledgers")
    return parser.parse_args()


def say(text: str) -> None:
    print(text, flush=True)


def play(options: argparse.Namespace, scene: Scene, crowd: Crowd, cuts: Cuts) -> bool:
    """Let messages flow and things go wrong; returns whether all was right again."""
    begin = time.monotonic()
    settled = True

    def await_settled(what: str) -> None:
        nonlocal settled
        seconds = crowd.await_settled(scene.names, DEADLINE)
        if seconds is None:
            settled = False
            say(f"{what}: not settled after {DEADLINE:g} s: {crowd.explain()}")
        else:
            say(f"{what}: settled after {seconds:.1f} s")

    await_settled("all have come")
    for each in schedule(
        options.seed, options.seconds, len(scene.processes), options.only
    ):
        cuts.resume()
        gevent.sleep(max(0.0, begin + each.at - time.monotonic()))
        scene.do(each)
        cuts.pause()
        await_settled(f"{time.monotonic() - begin:5.1f} s: {each}")
    cuts.resume()
    gevent.sleep(max(0.0, begin + options.seconds - time.monotonic()))
    cuts.pause()
    await_settled("the end")
    return settled


def run(options: argparse.Namespace, directory: Path, redis: RedisServer | None) -> int:
    rate = options.rate / options.processes
    own = [str(rate), str(options.rooms), str(options.clients)]
    with ExitStack() as stack:
        processes = []
        for letter in "ab"[: options.processes]:
            way = None if redis is None else RedisWay(redis.port)
            processes.append(Process(letter, directory, own, way))
            stack.callback(processes[-1].kill)
        ways = [Way(each.port) for each in processes]
        for each in ways:
            stack.callback(each.close)
        crowd = Crowd(
            options.clients,
            [each.url for each in ways],
            directory,
            anywhere=options.anywhere,
            rooms=options.rooms,
            each=options.each,
            seed=sum(options.seed.encode()),
        )
        stack.callback(crowd.end)
        cuts = Cuts(ways, options.cuts, options.seed)
        stack.callback(cuts.end)
        for process in processes:
            process.request("begin")
        begin = time.monotonic()
        settled = play(options, Scene(processes, redis), crowd, cuts)
        for process in processes:
            process.request("end")
        seconds = time.monotonic() - begin
        tell_cpu(processes, ways, crowd, redis)
        crowd.await_silence(DEADLINE)
        crowd.end()
    clients, published = read_clients(crowd.logs), read_ledgers(directory)
    tell(clients, published, cuts.lost, seconds)
    faults = check(clients, published)
    if len(clients) < options.clients:
        faults.append(f"{options.clients - len(clients)} clients have never connected")
    for text in faults[:PRINTED]:
        say(text)
    say(f"{len(faults)} faults" if faults else "each message arrived once and in order")
    return 0 if settled and not faults else 1


def tell_cpu(
    processes: list[Process],
    ways: list[Way],
    crowd: Crowd,
    redis: RedisServer | None,
) -> None:
    """Print what each part of the run has used of the CPU."""
    used = {each.letter: each.cpu + cpu_of(each.pid) for each in processes}
    used["clients"] = sum(map(cpu_of, crowd.pids))
    used["proxies"] = sum(cpu_of(each.pid) for each in ways)
    if redis is not None:
        info: Any = redis.client.info("cpu")
        used["Redis since it started last"] = (
            info["used_cpu_user"] + info["used_cpu_sys"]
        )
    say("CPU: " + ", ".join(f"{name} {each:.1f} s" for name, each in used.items()))


def tell(
    clients: dict[int, Client],
    published: Published,
    lost: Counter[str],
    seconds: float,
) -> None:
    """Print the figures."""
    everyone = clients.values()
    calls = Counter(call.how for each in published.values() for call in each.values())
    sure = calls.pop("ok", 0)
    recoveries = sum(each.recoveries for each in everyone)
    anew = sum(len(each.stretches) - 1 for each in everyone)
    messages = sum(each.messages for each in everyone)
    refused = Counter(text for each in everyone for text in each.refused)
    gap, client = max((each.gap[0], each.number) for each in everyone)
    always = sum(len(each.stretches) == 1 for each in everyone)
    losses = ", ".join(f"{number} {how}" for how, number in lost.items()) or "none"
    say(f"connections lost by the proxy: {losses}")
    say(f"recovered: {recoveries} times; came back as new ones: {anew} times")
    say(f"clients that were recovered each time: {always} of {len(clients)}")
    rate = f"{sure / seconds:.0f}/s"
    say(f"published: {sure} in {seconds:.0f} s, {rate}; failed: {dict(calls)}")
    say(f"received: {messages}; longest time without: {gap:.1f} s, client {client}")
    if refused:
        say(f"refused: {dict(refused)}")


def main() -> int:
    options = parse_arguments()
    if options.processes == 1:
        options.only = [each for each in options.only if each == "kill"]
    say(f"seed {options.seed}")
    with ExitStack() as stack:
        place = "/dev/shm" if Path("/dev/shm").is_dir() else None
        directory = options.keep
        if directory is None:
            directory = Path(
                stack.enter_context(tempfile.TemporaryDirectory(dir=place))
            )
        directory.mkdir(exist_ok=True, parents=True)
        redis = None
        if options.processes > 1:
            log = {"appendonly": "yes", "appendfsync": "always"}
            redis = stack.enter_context(running_redis(directory, **log))
        return run(options, directory, redis)


if __name__ == "__main__":
    sys.exit(main())
