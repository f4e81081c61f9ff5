'use strict';
// node play.js --client 0.9|1|2|3|4 --transport polling|websocket|upgrade --url http://...
//              [--cookie user=NAME] [--scenario NAME]...
//
// Plays scenarios against a running server, each on connections of its own and most of
// them a few at once, and prints one JSON object {scenario: observed}. A scenario that
// did not come to its end is {failed: why, seen: [what arrived so far]}.

const {parseArgs} = require('node:util');
const {GENERATIONS} = require('./clients.js');
const {alone, scenarios, usual} = require('./scenarios.js');

const DEADLINE = 10_000; // milliseconds that a scenario may take
const AT_ONCE = 6; // scenarios
const SEEN_AT_MOST = 40; // of what arrived, in the report of a failure

function settings() {
  const {values} = parseArgs({
    options: {
      client: {type: 'string'},
      transport: {type: 'string'},
      url: {type: 'string'},
      cookie: {type: 'string'},
      scenario: {type: 'string', multiple: true},
    },
  });
  const transports = GENERATIONS[values.client]?.transports;
  if (!transports) {
    throw new Error(`--client must be one of ${Object.keys(GENERATIONS).join(', ')}`);
  }
  if (!transports.includes(values.transport)) {
    throw new Error(`--transport must be one of ${transports.join(', ')}`);
  }
  if (!values.url) throw new Error('--url is missing');
  for (const name of values.scenario || []) {
    if (!scenarios[name]) throw new Error(`no scenario ${name}`);
  }
  return values;
}

async function play(name, {client: generation, url, transport, cookie}) {
  const seen = [];
  const clients = [];

  async function open(namespace, {wait = true, settle = true, ...options} = {}) {
    const connection = {url, transport, cookie, seen};
    const client = new GENERATIONS[generation](connection, namespace, options);
    clients.push(client);
    if (!wait) return client;
    const [outcome, ...why] = await client.first(['connect', 'refused']);
    if (outcome !== 'connect') throw new Error(`refused: ${why}`);
    if (settle) await client.settled();
    return client;
  }

  try {
    return await bounded(scenarios[name](open), name);
  } catch (error) {
    return {failed: error.message, seen: seen.slice(-SEEN_AT_MOST)};
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

// Whole scenarios are bounded too, except the one that waits for somebody else.
async function bounded(scenario, name) {
  if (name === 'server_stop') return scenario;
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error('timed out')), DEADLINE);
  });
  try {
    return await Promise.race([scenario, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function main() {
  const chosen = settings();
  GENERATIONS[chosen.client].prepare(chosen);
  const names = chosen.scenario || usual(chosen.client);
  // In the order of the names, whichever is over first.
  const observed = Object.fromEntries(names.map((name) => [name, null]));

  async function playNext(queue) {
    for (let name = queue.shift(); name; name = queue.shift()) {
      observed[name] = observed.connect?.failed
        // Without a connection each of the others would only take its time to fail.
        ? {failed: 'not played: connect failed'}
        : await play(name, chosen);
    }
  }

  await playNext(names.filter((name) => name === 'connect'));
  const others = names.filter((name) => name !== 'connect' && !alone.includes(name));
  await Promise.all(Array.from({length: AT_ONCE}, () => playNext(others)));
  await playNext(names.filter((name) => alone.includes(name)));
  process.stdout.write(`${JSON.stringify(observed)}\n`, () => process.exit(0));
}

main().catch((error) => {
  console.error(error.message);
  process.exit(2);
});
