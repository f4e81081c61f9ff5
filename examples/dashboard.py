"""This machine's load and memory, and the server's own figures, once a second.

From the repository's root::

    gearbox serve -c examples/dashboard.ini
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gevent
from tg import MinimalApplicationConfigurator, TGController, expose, request

from examples.pages import Pages
from tgext.socketio.websocket import Group, WebSocket, websocket

#: Seconds that the graphs show.
SPAN = 120

Sample = dict[str, float | None]


def read_memory() -> tuple[int | None, int | None]:
    """Bytes of the machine's memory in use, and in all; None if it is not Linux."""
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return None, None
    lines = (line.split() for line in text.splitlines())
    sizes = {words[0]: int(words[1]) * 1024 for words in lines}
    return sizes["MemTotal:"] - sizes["MemAvailable:"], sizes["MemTotal:"]


def read_own_memory() -> int | None:
    """Bytes of memory of this process; None if it is not Linux."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


class Meter:
    """Measures once a second, so that who comes sees the last minutes.

    :ivar viewers: the WebSockets of the viewers.
    :ivar history: the samples of the last :data:`SPAN` seconds.
    """

    def __init__(self) -> None:
        self.viewers = Group()
        self.history: deque[Sample] = deque(maxlen=SPAN)
        self._sent = 0

    def show(self, viewer: WebSocket) -> None:
        """Send the history to a viewer, and from now on each sample."""
        viewer.send_json({"samples": list(self.history)})
        self.viewers.add(viewer)

    def run(self) -> None:
        cpu, then = time.process_time(), time.monotonic()
        while True:
            gevent.sleep(1)
            used, now = time.process_time() - cpu, time.monotonic()
            sample = self._measure()
            sample["cpu"] = 100 * used / (now - then)
            cpu, then = cpu + used, now
            self.history.append(sample)
            self._sent += len(self.viewers)
            self.viewers.send_json({"samples": [sample]})

    def _measure(self) -> Sample:
        memory, all_memory = read_memory()
        return {
            "time": time.time(),
            "load": os.getloadavg()[0],
            "cores": os.cpu_count(),
            "memory": memory,
            "all_memory": all_memory,
            "own_memory": read_own_memory(),
            "connections": len(self.viewers),
            "sent": self._sent,
        }


meter = Meter()


class RootController(TGController):
    pages = Pages()

    @expose(content_type="text/html; charset=utf-8")
    def index(self) -> str:
        return PAGE

    @expose()
    @websocket(compression=True)
    def samples(self) -> None:
        meter.show(request.websocket)
        # Viewers send nothing. The loop ends when they leave.
        for _ in request.websocket:
            pass


def make_app(global_conf: Mapping[str, str], **settings: str) -> Callable[..., Any]:
    """The application factory of PasteDeploy."""
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController()})
    app: Callable[..., Any] = configurator.make_wsgi_app(dict(global_conf), settings)
    gevent.spawn(meter.run)
    return app


PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Dashboard</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/pages/pages.css">
<style>
  main { max-width: 66rem; margin: 0 auto; padding: 1.25rem 1rem 2rem; }
  header { align-items: baseline; display: flex; flex-wrap: wrap; gap: .25rem 1rem;
           justify-content: space-between; margin-bottom: 1rem; }
  h1 { font-size: 1.5rem; margin: 0; }
  #cards { display: grid; gap: 1rem;
           grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); }
  html:not([data-state=connected]) #cards { filter: grayscale(1); opacity: .5; }
  .card { background: var(--card); border: 1px solid var(--line);
          border-radius: .75rem; min-width: 0; padding: .85rem 1rem .6rem; }
  .card h2 { color: var(--soft); font-size: .9rem; font-weight: 500; margin: 0; }
  .now { align-items: end; display: flex; gap: 1rem; justify-content: space-between;
         padding-bottom: .35rem; }
  .value { font-size: 1.7rem; font-variant-numeric: tabular-nums; font-weight: 600; }
  .value small { color: var(--soft); font-size: .9rem; font-weight: 400; }
  .plot { display: block; height: 7rem; overflow: visible; width: 100%; }
  .grid { stroke: var(--line); stroke-width: 1; }
  .line { fill: none; stroke: var(--accent); stroke-linejoin: round; stroke-width: 2; }
  .area { fill: var(--accent); opacity: .12; }
  .plot path { vector-effect: non-scaling-stroke; }
  .top { color: var(--soft); font-size: .75rem; white-space: nowrap; }
  .span { color: var(--soft); display: flex; font-size: .75rem;
          justify-content: space-between; padding-top: .3rem; }
  @media (max-width: 40rem) {
    #cards { gap: .6rem; }
    .card { padding: .6rem .85rem .45rem; }
    .value { font-size: 1.4rem; }
    .plot { height: 4rem; }
  }
</style>
</head>
<body>
<main>
  <header>
    <h1>Dashboard</h1>
    <span id="state" role="status"></span>
  </header>
  <div id="cards"></div>
</main>
<script src="/pages/pages.js"></script>
<script>
'use strict';
(function () {
  const SPAN = 120;
  let samples = [];

  function size(bytes) {
    const [unit, by] = bytes < 2 ** 30 ? ['MiB', 2 ** 20] : ['GiB', 2 ** 30];
    const number = bytes / by;
    return [number.toFixed(number < 10 ? 2 : number < 100 ? 1 : 0), unit];
  }

  const count = (number) => [number.toFixed(0), ''];

  // Each card: its value in a sample, how to write it, the least maximum of its scale.
  const cards = [
    {title: 'Load of this machine', of: (s) => s.load,
     write: (value) => [value.toFixed(2), ''],
     note: (s) => `on ${s.cores} core${s.cores === 1 ? '' : 's'}`,
     least: (s) => s.cores},
    {title: 'Memory of this machine', of: (s) => s.memory, write: size,
     note: (s) => `of ${size(s.all_memory).join(' ')}`, least: (s) => s.all_memory},
    {title: 'Processor time of the server', of: (s) => s.cpu,
     write: (value) => [value.toFixed(1), '%'], least: () => 5},
    {title: 'Memory of the server', of: (s) => s.own_memory, write: size,
     least: () => 2 ** 26},
    {title: 'Connections', of: (s) => s.connections, write: count, least: () => 4},
    {title: 'Messages sent', of: (s) => s.sent, write: count, least: () => 10},
  ];

  function build(card) {
    const element = document.createElement('section');
    element.className = 'card';
    element.innerHTML = `
      <h2></h2>
      <div class="now">
        <div class="value"><span></span> <small></small></div><div class="top"></div>
      </div>
      <svg class="plot" viewBox="0 0 100 100" preserveAspectRatio="none"
           aria-hidden="true">
        <path class="grid" d="M0 0H100M0 50H100M0 100H100"/>
        <path class="area"/><path class="line"/>
      </svg>
      <div class="span"><span>2 minutes ago</span><span>now</span></div>`;
    element.querySelector('h2').textContent = card.title;
    document.getElementById('cards').append(element);
    card.element = element;
  }

  // The maximum of a scale is round, so that it does not change with every sample.
  function ceiling(value) {
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 1.5, 2, 3, 5, 7.5, 10].find((step) => step * power >= value) * power;
  }

  // Split the line where samples are missing.
  function pieces(points) {
    const found = [];
    let last;
    for (const point of points) {
      if (!last || point.time - last.time > 2.5) found.push([]);
      found[found.length - 1].push(point);
      last = point;
    }
    return found;
  }

  function draw(card, now) {
    const known = samples.filter((sample) => card.of(sample) !== null);
    card.element.hidden = samples.length > 0 && known.length === 0;
    if (known.length === 0) return;
    const newest = known[known.length - 1];
    const most = Math.max(...known.map(card.of));
    const least = card.least(newest);
    const top = most <= least ? least : ceiling(most);
    const [number, unit] = card.write(card.of(newest));
    const find = (selector) => card.element.querySelector(selector);
    find('.value span').textContent = number;
    find('.value small').textContent =
      [unit, card.note ? card.note(newest) : ''].join(' ').trim();
    find('.top').textContent = `up to ${card.write(top).join(' ').trim()}`;
    const x = (sample) => (100 - (now - sample.time) * 100 / SPAN).toFixed(2);
    const y = (sample) => (100 - card.of(sample) * 100 / top).toFixed(2);
    let line = '', area = '';
    for (const piece of pieces(known)) {
      const path = piece.map((sample) => `${x(sample)} ${y(sample)}`).join('L');
      line += `M${path}h.01`;
      area += `M${x(piece[0])} 100L${path}L${x(piece[piece.length - 1])} 100Z`;
    }
    find('.line').setAttribute('d', line);
    find('.area').setAttribute('d', area);
  }

  function add(more) {
    // After a reconnect the server sends its history, a part of which is known.
    const known = new Set(samples.map((sample) => sample.time));
    samples = samples.concat(more.filter((sample) => !known.has(sample.time)));
    samples.sort((a, b) => a.time - b.time);
    if (samples.length === 0) return;
    const now = samples[samples.length - 1].time;
    samples = samples.filter((sample) => sample.time >= now - SPAN);
    cards.forEach((card) => draw(card, now));
  }

  function connect() {
    const url = new URL('/samples', location);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url);
    showStateOfWebSocket(socket, connect);
    socket.onmessage = (event) => add(JSON.parse(event.data).samples);
  }

  cards.forEach(build);
  showState('connecting');
  connect();
})();
</script>
</body>
</html>
"""
