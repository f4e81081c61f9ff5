'use strict';
// node streams.js --url http://...
//
// Streams a text with npm's socket.io-stream, whose events are called $stream and so on.
// It makes an EventEmitter of Node's of the socket, which ends the process when an
// `error` event has no listener. Prints one JSON object.

const {parseArgs} = require('node:util');
const io = require('socket.io-client-2');
const streams = require('socket.io-stream');

const {values: {url}} = parseArgs({options: {url: {type: 'string'}}});

const socket = io(`${url}/parcels`, {path: '/socketio/', reconnection: false});
socket.once('connect', () => {
  const stream = streams.createStream();
  streams(socket).emit('parcel', stream, 'label');
  stream.end('content');
  socket.on('streamed', (...args) => {
    socket.emit('$nobody-handles-this');
    socket.emit('add', 2, 3, (sum) => {
      process.stdout.write(`${JSON.stringify({args, sum})}\n`, () => process.exit(0));
    });
  });
});
setTimeout(() => process.exit(3), 30_000);
