'use strict';
// Plays scenarios, a few at a time and each on its own connections. The result of one
// that failed is {failed: why, seen: [what had arrived]}.

const {GENERATIONS} = require('./clients.js');
const {scenarios} = require('./scenarios.js');

const DEADLINE = 60_000; // milliseconds that a scenario may take
const SEEN_AT_MOST = 40; // events in the report of a failure

// `connection` is {client, url, transport, ...}, as clients.js has it.
async function play(name, connection) {
  const seen = [];
  const clients = [];

  async function open(namespace, {wait = true, settle = true, ...options} = {}) {
    const Generation = GENERATIONS[connection.client];
    const client = new Generation({...connection, seen}, namespace, options);
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

// Whole scenarios have a deadline, too, except those that wait for the test.
async function bounded(scenario, name) {
  if (['server_stop', 'server_reload'].includes(name)) return scenario;
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

// {scenario: observed}, in the order of the names, not of their ends.
async function playAll(names, connection, atOnce) {
  const observed = Object.fromEntries(names.map((name) => [name, null]));

  async function playNext(queue) {
    for (let name = queue.shift(); name; name = queue.shift()) {
      observed[name] = observed.connect?.failed
        // Without a connection the others would fail, too, each after its deadline.
        ? {failed: 'not played: connect failed'}
        : await play(name, connection);
    }
  }

  await playNext(names.filter((name) => name === 'connect'));
  const others = names.filter((name) => name !== 'connect');
  await Promise.all(Array.from({length: atOnce}, () => playNext(others)));
  return observed;
}

module.exports = {playAll};
