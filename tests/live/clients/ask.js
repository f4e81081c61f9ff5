'use strict';
// node ask.js --client 0.9|1|2|3|4 --transport polling|websocket|upgrade --url http://...
//             --namespace NAME [--path /socketio] [--cookie NAME=VALUE] --event NAME...
//
// Asks a namespace one event after the other, on one connection, and prints one JSON
// object {event: [the arguments of its ack]}.

const {parseArgs} = require('node:util');
const {GENERATIONS} = require('./clients.js');

async function main() {
  const {values} = parseArgs({
    options: {
      client: {type: 'string'},
      transport: {type: 'string'},
      url: {type: 'string'},
      namespace: {type: 'string'},
      path: {type: 'string'},
      cookie: {type: 'string'},
      event: {type: 'string', multiple: true},
    },
  });
  const {client: generation, namespace, event: events, ...connection} = values;
  const Generation = GENERATIONS[generation];
  Generation.prepare(connection);
  const client = new Generation({...connection, seen: []}, namespace);
  const [outcome, ...why] = await client.first(['connect', 'refused']);
  if (outcome !== 'connect') throw new Error(`refused: ${why}`);
  await client.settled();
  const acks = {};
  for (const event of events) acks[event] = await client.ask(event);
  await client.close();
  process.stdout.write(`${JSON.stringify(acks)}\n`, () => process.exit(0));
}

main().catch((error) => {
  console.error(error.message);
  process.exit(2);
});
