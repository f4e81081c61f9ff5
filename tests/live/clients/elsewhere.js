'use strict';
// node elsewhere.js --url A --url B --client 4.6 --client 4.7 ...
//
// Each client, over each transport, loses its connection to process A and comes back to
// process B, then to A again. Then it prints "kill A", waits for a line of input, which
// says that A was killed, and comes back to B. Prints one JSON object
// {"4.6 websocket": observed}.

const {once} = require('node:events');
const readline = require('node:readline');
const {parseArgs} = require('node:util');
const {Cutting} = require('./cutting.js');
const {OPTIONS, arrives, until} = require('./returning.js');

const portOf = (url) => Number(new URL(url).port);

class Client {
  constructor(version, transport, speaker) {
    this.version = version;
    this.transports = transport === 'upgrade' ? ['polling', 'websocket'] : [transport];
    this.speaker = speaker;
    this.room = `elsewhere ${version} ${transport}`;
    this.heard = [];
    this.recovered = [];
    this.ids = new Set();
  }

  async start(port) {
    this.proxy = await new Cutting(port).start();
    const {io} = require(`socket.io-client-${this.version}`);
    const address = `http://127.0.0.1:${this.proxy.port}/recover`;
    this.socket = io(address, {...OPTIONS, transports: this.transports});
    this.socket.on('heard', (text) => this.heard.push(text));
    this.socket.on('last', (text) => this.heard.push(text));
    await this.back();
    await this.socket.emitWithAck('enter', this.room);
    await this.tell('first');
    await until(() => this.heard.includes('first'));
  }

  async back() {
    await arrives(this.socket, 'connect');
    this.recovered.push(this.socket.recovered);
    this.ids.add(this.socket.id);
  }

  tell(text) {
    return this.speaker.emitWithAck('tell_room', this.room, text);
  }

  // Loses its connection, unless it has lost it, and comes back to a port.
  async goes(port) {
    const connected = this.back();
    this.proxy.cut();
    this.proxy.target = port;
    const count = this.recovered.length;
    await this.tell(`missed ${count} a`);
    await this.tell(`missed ${count} b`);
    this.proxy.allow();
    await connected;
    await this.tell(`live ${count}`);
    await until(() => this.heard.includes(`live ${count}`));
  }

  seen() {
    this.socket.disconnect();
    this.proxy.server.close();
    return {recovered: this.recovered, heard: this.heard, ids: this.ids.size};
  }
}

async function main() {
  const {values} = parseArgs({
    options: {
      url: {type: 'string', multiple: true},
      client: {type: 'string', multiple: true},
    },
  });
  const [a, b] = values.url.map(portOf);
  const input = readline.createInterface({input: process.stdin});
  const speaker = require('socket.io-client-4').io(`${values.url[1]}/recover`, OPTIONS);
  await once(speaker, 'connect');
  const clients = {};
  for (const version of values.client) {
    for (const transport of ['websocket', 'polling', 'upgrade']) {
      clients[`${version} ${transport}`] = new Client(version, transport, speaker);
    }
  }
  const each = (what) => Promise.all(Object.values(clients).map(what));
  await each((client) => client.start(a));
  await each((client) => client.goes(b));
  await each((client) => client.goes(a));
  console.log('kill A');
  await once(input, 'line');
  await each((client) => client.goes(b));
  const observed = {};
  for (const [name, client] of Object.entries(clients)) observed[name] = client.seen();
  process.stdout.write(`${JSON.stringify(observed)}\n`, () => process.exit(0));
}

main().catch((error) => {
  console.error(error);
  process.exit(2);
});
