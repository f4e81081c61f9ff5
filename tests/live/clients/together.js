'use strict';
// node together.js --url http://... --scenario NAME [--without TRANSPORT]
//
// One client of every generation on every transport it has but that one, all connected
// at once. Prints one JSON object {"generation transport": observed}.

const {parseArgs} = require('node:util');
const {GENERATIONS} = require('./clients.js');

const RESTART = 40_000; // milliseconds until a server may be back

const BYTES = Buffer.from([0, 127, 128, 255]);

class Crowd {
  constructor(url, without) {
    this.clients = new Map();
    for (const [generation, Generation] of Object.entries(GENERATIONS)) {
      for (const transport of Generation.transports) {
        if (transport === without) continue;
        const connection = {url, transport, seen: []};
        const client = new Generation(connection, '/lab', {reconnect: true});
        this.clients.set(`${generation} ${transport}`, client);
      }
    }
  }

  get names() {
    return [...this.clients.keys()];
  }

  // Lets all clients do something at the same time: {name: its outcome}.
  async each(act, names = this.names) {
    return Object.fromEntries(await Promise.all(names.map(async (name) => {
      try {
        return [name, await act(this.clients.get(name), name)];
      } catch (error) {
        throw new Error(`${name}: ${error.message}`);
      }
    })));
  }

  async connected() {
    await this.each((client) => client.next('connect'));
  }

  async settled() {
    await this.each((client) => client.settled());
  }

  // What each heard: `count` events, and all others before an end that the server sends
  // to everybody. Duplicates would arrive before the end.
  async heard(count, names = this.names) {
    const heard = await this.each((client) => client.take('heard', count), names);
    this.clients.get(names[0]).emit('shout', 'the end');
    await this.each(async (client, name) => {
      for (;;) {
        const [text] = await client.next('heard');
        if (text === 'the end') break;
        if (heard[name]) heard[name].push(text);
      }
    });
    return heard;
  }
}

const scenarios = {
  async room(crowd) {
    await crowd.each((client) => client.ask('enter', 'kitchen'));
    await crowd.each((client, name) => {
      client.emit('tell_room', 'kitchen', `${name} \u2603 \u{1f600}`);
    });
    return crowd.heard(crowd.names.length - 1);
  },

  async broadcast(crowd) {
    await crowd.each((client, name) => client.emit('shout_others', name));
    return crowd.heard(crowd.names.length - 1);
  },

  // In one room, without 0.9, which has no bytes.
  async bytes(crowd) {
    const names = crowd.names.filter((name) => !name.startsWith('0.9'));
    await crowd.each((client) => client.ask('enter', 'vault'), names);
    await crowd.each((client, name) => {
      client.emit('tell_room', 'vault', {from: name, bytes: BYTES});
    }, names);
    const heard = await crowd.heard(names.length - 1, names);
    for (const name of names) heard[name] = heard[name].map(sender);
    return heard;
  },

  // In one room, with 0.9 in it, which has no bytes.
  async bytes_for_all(crowd) {
    await crowd.each((client) => client.ask('enter', 'cellar'));
    const [speaker, ...others] = crowd.names.filter((name) => !name.startsWith('0.9'));
    crowd.clients.get(speaker).emit('tell_room', 'cellar', {from: speaker, bytes: BYTES});
    await crowd.clients.get(speaker).ask('add', 1, 1);
    const heard = await crowd.heard(0);
    for (const name of others) heard[name] = heard[name].map(sender);
    return heard;
  },

  // The answer that each client gets, and its transport then.
  async sums(crowd) {
    return crowd.each(async (client) => {
      const [sum] = await client.ask('add', 2, 3);
      return {sum, transport: client.transport};
    });
  },

  async restart(crowd) {
    await crowd.each((client) => client.ask('add', 1, 1));
    console.log('READY');
    return crowd.each(async (client) => {
      await client.next('disconnect', RESTART);
      await client.next('connect', RESTART);
      const sum = await client.ask('add', 2, 3);
      await client.settled();
      return {sum, transport: client.transport};
    });
  },
};

// The name of the sender, if its bytes arrived unchanged.
function sender({from, bytes}) {
  return Buffer.from(bytes).equals(BYTES) ? from : `garbled, from ${from}`;
}

async function main() {
  const {values} = parseArgs({
    options: {
      url: {type: 'string'},
      scenario: {type: 'string'},
      without: {type: 'string'},
    },
  });
  if (!values.url) throw new Error('--url is missing');
  if (!scenarios[values.scenario]) throw new Error(`no scenario ${values.scenario}`);
  const crowd = new Crowd(values.url, values.without);
  await crowd.connected();
  // Without WebSockets there is no upgrade to wait for.
  if (values.without !== 'websocket') await crowd.settled();
  const observed = await scenarios[values.scenario](crowd);
  process.stdout.write(`${JSON.stringify(observed)}\n`, () => process.exit(0));
}

main().catch((error) => {
  console.error(error.message);
  process.exit(2);
});
