'use strict';
// node recover.js --url http://127.0.0.1:PORT --client 4.6 --client 4.7 ...
//
// Each client loses its connection several times, over each transport, and is told
// something while it is away. Prints one JSON object {"4.6 websocket": observed}.

const {once} = require('node:events');
const {parseArgs} = require('node:util');
const {Cutting} = require('./cutting.js');
const {OPTIONS, arrives, until} = require('./returning.js');

async function recover(version, transport, url, speaker) {
  const proxy = await new Cutting(Number(new URL(url).port)).start();
  const {io} = require(`socket.io-client-${version}`);
  const room = `${version} ${transport}`;
  const transports = transport === 'upgrade' ? ['polling', 'websocket'] : [transport];
  const address = `http://127.0.0.1:${proxy.port}/recover`;
  const socket = io(address, {...OPTIONS, transports});
  const heard = [];
  socket.on('heard', (text) => heard.push(text));
  socket.on('pubblication', (text) => heard.push(text.replace(`${room} `, '')));
  socket.on('last', (text) => heard.push(text));
  const ids = new Set();
  const recovered = [];
  const back = async () => {
    await arrives(socket, 'connect');
    recovered.push(socket.recovered);
    ids.add(socket.id);
  };
  // It is sent to its listeners when the speaker, who is one of them, hears it.
  const publish = async (text) => {
    const published = new Promise((resolve) => {
      const listen = (each) => {
        if (each !== `${room} ${text}`) return;
        speaker.off('pubblication', listen);
        resolve();
      };
      speaker.on('pubblication', listen);
    });
    speaker.emit('publish', room, `${room} ${text}`);
    await published;
  };
  const tell = async (text) => {
    await speaker.emitWithAck('tell_room', room, text);
  };
  await back();
  // No event has been received yet.
  await socket.emitWithAck('enter', room);
  await socket.emitWithAck('subscribe', 'topic', room);
  await speaker.emitWithAck('subscribe', 'topic', room);
  for (const lose of ['cut', 'cut', 'half', 'cut']) {
    const gone = arrives(socket, 'disconnect');
    const connected = back();
    proxy[lose]();
    await gone;
    const count = recovered.length;
    await tell(`missed ${count} a`);
    await publish(`missed ${count} b`);
    proxy.allow();
    await connected;
    await tell(`live ${count}`);
    await until(() => heard.includes(`live ${count}`));
    // A text at the end of an event is no position.
    socket.emit('count', 'a text');
    await arrives(socket, 'counted');
  }
  socket.disconnect();
  proxy.server.close();
  return {recovered, heard, ids: ids.size};
}

async function main() {
  const {values} = parseArgs({
    options: {url: {type: 'string'}, client: {type: 'string', multiple: true}},
  });
  const speaker = require('socket.io-client-4').io(`${values.url}/recover`, OPTIONS);
  await once(speaker, 'connect');
  const observed = {};
  const all = [];
  for (const version of values.client) {
    for (const transport of ['websocket', 'polling', 'upgrade']) {
      all.push(recover(version, transport, values.url, speaker).then((seen) => {
        observed[`${version} ${transport}`] = seen;
      }));
    }
  }
  await Promise.all(all);
  process.stdout.write(`${JSON.stringify(observed)}\n`, () => process.exit(0));
}

main().catch((error) => {
  console.error(error);
  process.exit(2);
});
