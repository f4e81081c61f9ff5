'use strict';
// One interface to all generations of Socket.IO clients. It queues what the server
// sent, so that a scenario is a list of steps and loses no event between two of them.

const STEP = 15_000; // milliseconds that a single step may take

class Client {
  // The event of a connection that is back.
  comesBack = 'connect';

  constructor(seen) {
    this.seen = seen;
    this.queues = new Map();
    this.waiting = null;
  }

  // Keep an event that arrived, and wake those that wait for it.
  deliver(event, args) {
    this.seen.push([event, ...args.filter((arg) => typeof arg !== 'function')]);
    if (!this.queues.has(event)) this.queues.set(event, []);
    this.queues.get(event).push(args);
    if (this.waiting) this.waiting();
  }

  // The next event with one of these names: [its name, ...its arguments].
  async first(events, deadline = STEP) {
    const end = Date.now() + deadline;
    for (;;) {
      const event = events.find((name) => this.has(name));
      if (event) return [event, ...this.queues.get(event).shift()];
      if (Date.now() >= end) throw new Error(`no ${events.join(' or ')} arrived`);
      await this.arrival(end - Date.now());
    }
  }

  async arrival(milliseconds) {
    let timer;
    await new Promise((resolve) => {
      this.waiting = resolve;
      timer = setTimeout(resolve, milliseconds);
    });
    clearTimeout(timer);
    this.waiting = null;
  }

  // The arguments of the next event of this name.
  async next(event, deadline = STEP) {
    return (await this.first([event], deadline)).slice(1);
  }

  // Whether an event of this name has arrived, and waits to be taken.
  has(event) {
    return Boolean(this.queues.get(event)?.length);
  }

  async take(event, count) {
    const taken = [];
    while (taken.length < count) taken.push((await this.next(event))[0]);
    return taken;
  }

  emit(event, ...args) {
    this.socket.emit(event, ...args);
  }

  // Emits, and returns the arguments of the ack.
  async ask(event, ...args) {
    const answer = `ack of ${event}`;
    this.emit(event, ...args, (...answered) => this.deliver(answer, answered));
    return this.next(answer);
  }

  // A message, which users do not see as an event.
  send(text) {
    this.socket.send(text);
  }

  // Leaves the namespace; the connection may go on.
  leave() {
    this.socket.disconnect();
  }
}

// What the clients on Engine.IO have in common.
class EngineClient extends Client {
  static transports = ['polling', 'websocket', 'upgrade'];

  static prepare() {}

  constructor(connection, namespace, {auth, reconnect} = {}) {
    const {url, transport, cookie, seen, options, path = '/socketio'} = connection;
    super(seen);
    const upgrades = transport === 'upgrade';
    const library = require(`socket.io-client-${this.constructor.generation}`);
    this.socket = (library.io || library)(url + namespace, {
      path: `${path}/`,
      forceNew: true,
      reconnection: Boolean(reconnect),
      reconnectionDelay: 100,
      reconnectionDelayMax: 200,
      transports: upgrades ? ['polling', 'websocket'] : [transport],
      extraHeaders: cookie ? {Cookie: cookie} : {},
      ...auth && {auth},
      ...options,
    });
    this.catchEvents();
    for (const event of ['connect', 'disconnect']) {
      this.socket.on(event, (...args) => this.deliver(event, args.slice(0, 1)));
    }
    this.socket.on('connect_error', ({message, data}) => {
      this.deliver('refused', data === undefined ? [message] : [message, data]);
    });
    this.upgrades = upgrades;
  }

  // Resolves when the upgrade has ended, if there is one. After a reconnect there is a
  // new engine with a new upgrade; acks may arrive by polling before it.
  async settled() {
    const {engine} = this.socket.io;
    if (!this.upgrades || engine.transport.name === 'websocket') return;
    engine.once('upgrade', () => this.deliver('upgrade', []));
    await this.next('upgrade');
  }

  get transport() {
    return this.socket.io.engine.transport.name;
  }

  async close() {
    this.socket.io.engine.close();
  }

  // Breaks the connection, as the client sees it.
  lose() {
    this.socket.io.engine.close();
  }
}

class Client4 extends EngineClient {
  static generation = '4';

  catchEvents() {
    this.socket.onAny((event, ...args) => this.deliver(event, args));
  }
}

class Client3 extends Client4 {
  static generation = '3';
}

class Client2 extends EngineClient {
  static generation = '2';

  // This client has no onAny; an `error` may be an event or the packet of that name.
  catchEvents() {
    this.socket.onevent = ({data: [event, ...args], id}) => {
      this.deliver(event, id === undefined ? args : [...args, this.socket.ack(id)]);
    };
    this.socket.on('error', (...args) => this.deliver('error', args));
  }

  // This client uses `ping` and `pong` for its heartbeats, and its `emit` does not send
  // them. Other libraries may send such events, so this sends one past its `emit`.
  emit(event, ...args) {
    if (event !== 'ping') return super.emit(event, ...args);
    return this.socket.packet({type: 2, data: [event, ...args], options: {}});
  }
}

class Client1 extends Client2 {
  static generation = '1';
}

const TRANSPORTS_09 = {polling: 'xhr-polling', websocket: 'websocket'};

class Client09 extends Client {
  static transports = ['polling', 'websocket'];

  static prepare({cookie}) {
    if (cookie) sendCookie(cookie);
  }

  constructor(connection, namespace, {reconnect} = {}) {
    const {url, transport, seen, path = '/socketio'} = connection;
    super(seen);
    // Its modules look for a global `io`, and add themselves to it. A `const io` at the
    // top of `node -e` is such a global before it is initialised, and reading it
    // throws. Names of a module are not global.
    const client = require('socket.io-client-0.9');
    // The option `transports` is merged into this list by index, so it does not remove
    // the others. Clients that exist keep their lists.
    client.transports = [TRANSPORTS_09[transport] || transport];
    this.socket = client.connect(url + namespace, {
      resource: path.slice(1),
      'force new connection': true,
      reconnect: Boolean(reconnect),
      'reconnection delay': 50,
      'reconnection limit': 200,
      'max reconnection attempts': Infinity,
      'try multiple transports': false,
    });
    // This client has no onAny; it delivers every event by `$emit`.
    this.socket.$emit = (event, ...args) => {
      this.deliver(event === 'connect_failed' ? 'refused' : event, args);
    };
  }

  async settled() {}

  get transport() {
    return this.socket.socket.transport.name;
  }

  lose() {
    this.socket.socket.onDisconnect('lost');
  }

  // While a POST is under way, this client queues its disconnect packet and forgets it.
  async close() {
    const {socket} = this.socket;
    const end = Date.now() + 1_000;
    while (socket.connected && socket.doBuffer && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    try {
      socket.disconnect();
    } catch (error) {
      // Its WebSocket throws when it has just been closed; that of browsers does not.
      if (error.message !== 'not opened') throw error;
    }
  }
}

// The 0.9 client has no option for headers, and in Node no browser adds the cookie. Both
// of its transports send their requests with http.request.
function sendCookie(cookie) {
  const http = require('node:http');
  const {request} = http;
  http.request = (options, ...rest) => {
    const headers = {...options.headers, Cookie: cookie};
    return request({...options, headers}, ...rest);
  };
}

const GENERATIONS = {
  '0.9': Client09, 1: Client1, 2: Client2, 3: Client3, 4: Client4,
};

module.exports = {GENERATIONS};
