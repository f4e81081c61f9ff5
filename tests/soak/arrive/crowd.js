'use strict';
// node crowd.js OPTIONS, in the directory of the clients' packages.
//
// Clients that enter their rooms, and come back by themselves. OPTIONS is JSON: `first`
// and `count` of the clients' numbers, `urls` of the processes, `anywhere`, the number of
// `rooms` and of those that `each` client enters, `seed`, and `log`, a file. Every fifth
// client moves from room to room. A line of the log:
//
//     c CLIENT TIME RECOVERED URL      it has connected
//     b CLIENT TIME TOPIC...           it asks to enter its rooms
//     e CLIENT TIME JOINED TOPIC...    it has entered, which the server did at JOINED
//     a CLIENT TIME ROOM ROOM          it asks to leave a room, and to join another
//     v CLIENT TIME ROOM LEFT ROOM JOINED   it has moved from one room to another
//     l CLIENT TIME RECOVERED ROOM...  what the server knows of one that was recovered
//     d CLIENT TIME REASON             it has lost its connection
//     x CLIENT TIME MESSAGE            it was refused
//     m CLIENT TIME TOPIC PROCESS NUMBER POSITION   a message
//
// Times are seconds of the machine's monotonic clock. Ten times a second it prints
// {inside, received, late, heard}: how many clients are in their rooms, how many messages
// they received since, the age of the oldest one, and which processes published them.
// It ends when its input does.

const fs = require('node:fs');
const {createRequire} = require('node:module');

const options = JSON.parse(process.argv[2]);
const load = createRequire(`${process.cwd()}/`);

// mulberry32: a small generator with a seed.
let state = options.seed;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

function now() {
  return Number(process.hrtime.bigint() / 1000n) / 1e6;
}

let lines = [];
const file = fs.openSync(options.log, 'w');
function log(...fields) {
  lines.push(fields.join(' '));
}
function flush() {
  if (!lines.length) return;
  fs.writeSync(file, `${lines.join('\n')}\n`);
  lines = [];
}

let seen = {received: 0, late: 0, heard: {}};

// Which client uses what, by the last digit of its number.
const VERSIONS = ['4.6', '4.7', '4', '4', '4', '4', '4', '4', '4', '4'];
const MOVING = 4;
const TRANSPORTS = {2: ['polling', 'websocket'], 3: ['polling']};

class Client {
  constructor(number) {
    this.number = number;
    this.inside = false;
    this.entered = false;
    this.move = null;
    this.user = `u${number}`;
    this.rooms = [];
    for (let each = 0; each < options.each; each += 1) {
      this.rooms.push(`r${(number * options.each + each) % options.rooms}`);
    }
    const {io} = load(`socket.io-client-${VERSIONS[number % 10]}`);
    this.url = options.urls[number % options.urls.length];
    this.socket = io(`${this.url}/arrive`, {
      path: '/socketio/', forceNew: true, timeout: 5_000, query: {user: this.user},
      transports: TRANSPORTS[number % 10] || ['websocket'],
      reconnectionDelay: 20 + 500 * random(), reconnectionDelayMax: 2_000,
    });
    this.socket.on('connect', () => this.connected());
    this.socket.on('disconnect', (reason) => {
      this.inside = false;
      log('d', this.number, now(), reason);
    });
    this.socket.on('connect_error', (error) => this.refused(error));
    this.socket.on('heard', (...args) => this.heard(...args));
    if (number % 5 === MOVING) this.moveLater();
    if (options.anywhere) {
      this.socket.io.on('reconnect_attempt', () => {
        this.url = options.urls[Math.floor(random() * options.urls.length)];
        this.socket.io.uri = this.url;
      });
    }
  }

  connected() {
    const {recovered} = this.socket;
    log('c', this.number, now(), recovered ? 1 : 0, this.url);
    if (!recovered) {
      this.entered = false;
      this.move = null;
    }
    if (this.entered) {
      if (this.move) this.askToMove();
      this.ask('look', [], ([known, rooms]) => {
        log('l', this.number, now(), known ? 1 : 0, ...rooms);
      });
    } else {
      log('b', this.number, now(), this.user, ...this.rooms);
      this.ask('enter', [this.rooms], ([joined]) => {
        this.entered = true;
        log('e', this.number, now(), joined, this.user, ...this.rooms);
      });
    }
  }

  moveLater() {
    setTimeout(() => {
      if (!this.inside || !this.entered) return this.moveLater();
      const others = [];
      for (let each = 0; each < options.rooms; each += 1) {
        if (!this.rooms.includes(`r${each}`)) others.push(`r${each}`);
      }
      this.move = [this.rooms[0], others[Math.floor(random() * others.length)]];
      this.askToMove();
    }, 1_000 + 3_000 * random());
  }

  // Once more when it was recovered: the answer may have been lost.
  askToMove() {
    const {move} = this;
    log('a', this.number, now(), ...move);
    this.ask('move', move, ([left, joined]) => {
      if (this.move !== move) return;
      log('v', this.number, now(), move[0], left, move[1], joined);
      this.rooms[0] = move[1];
      this.move = null;
      this.moveLater();
    });
  }

  ask(event, args, then) {
    this.socket.emit(event, ...args, (...answer) => {
      this.inside = this.socket.connected;
      then(answer);
    });
  }

  refused(error) {
    // It is active while it tries again by itself.
    if (this.socket.active) return;
    log('x', this.number, now(), error.message);
    setTimeout(() => this.socket.connect(), 200 + 300 * random());
  }

  heard(topic, publisher, number, published, position) {
    const time = now();
    log('m', this.number, time, topic, publisher, number, position);
    seen.received += 1;
    seen.late = Math.max(seen.late, time - published);
    seen.heard[publisher] = 1;
  }
}

const clients = [];
for (let number = 0; number < options.count; number += 1) {
  clients.push(new Client(options.first + number));
}

setInterval(() => {
  flush();
  const inside = clients.filter((each) => each.inside).length;
  const {received, late, heard} = seen;
  console.log(JSON.stringify({inside, received, late, heard: Object.keys(heard)}));
  seen = {received: 0, late: 0, heard: {}};
}, 100);

process.stdin.on('end', () => {
  flush();
  process.exit(0);
});
process.stdin.resume();
