'use strict';
// node play.js --client 0.9|1|2|3|4 --transport polling|websocket|upgrade --url http://...
//              [--cookie user=NAME] [--scenario NAME]...
//
// Plays scenarios against a running server, and prints one JSON object {scenario:
// observed}.

const {parseArgs} = require('node:util');
const {GENERATIONS} = require('./clients.js');
const {playAll} = require('./player.js');
const {scenarios, usual} = require('./scenarios.js');

const AT_ONCE = 6; // scenarios

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

async function main() {
  const {scenario, ...connection} = settings();
  GENERATIONS[connection.client].prepare(connection);
  const names = scenario || usual(connection.client);
  const observed = await playAll(names, connection, AT_ONCE);
  process.stdout.write(`${JSON.stringify(observed)}\n`, () => process.exit(0));
}

main().catch((error) => {
  console.error(error.message);
  process.exit(2);
});
