'use strict';
// node fronts.js --idle SECONDS --front 'NAME URL PATH WITHOUT' ...
//
// Behind each front, one client of every generation on every transport it has but that
// one (- for none), all connected at once. They are idle for that time, then ask for a
// sum. Prints {"front": {"generation transport": {sum, transport, lost}}}, where `lost`
// counts the connections that ended.

const {parseArgs} = require('node:util');
const {GENERATIONS} = require('./clients.js');

function connect([front, url, path, without]) {
  const clients = [];
  for (const [generation, Generation] of Object.entries(GENERATIONS)) {
    for (const transport of Generation.transports) {
      if (transport === without) continue;
      const connection = {url, path, transport, seen: []};
      const client = new Generation(connection, '/lab', {reconnect: true});
      clients.push({front, name: `${generation} ${transport}`, client, without});
    }
  }
  return clients;
}

async function each(clients, act) {
  return Promise.all(clients.map(async (one) => {
    try {
      return await act(one);
    } catch (error) {
      throw new Error(`${one.front}, ${one.name}: ${error.message}`);
    }
  }));
}

async function main() {
  const {values} = parseArgs({
    options: {
      front: {type: 'string', multiple: true},
      idle: {type: 'string'},
    },
  });
  const clients = values.front.flatMap((text) => connect(text.split(' ')));
  await each(clients, ({client}) => client.next('connect'));
  // Without WebSockets there is no upgrade to wait for.
  await each(clients, async ({client, without}) => {
    if (without !== 'websocket') await client.settled();
  });
  await new Promise((resolve) => setTimeout(resolve, 1_000 * Number(values.idle)));
  const observed = {};
  await each(clients, async ({front, name, client}) => {
    const [sum] = await client.ask('add', 2, 3);
    const lost = client.seen.filter(([event]) => event === 'disconnect').length;
    observed[front] = observed[front] || {};
    observed[front][name] = {sum, transport: client.transport, lost};
  });
  process.stdout.write(`${JSON.stringify(observed)}\n`, () => process.exit(0));
}

main().catch((error) => {
  console.error(error.message);
  process.exit(2);
});
