'use strict';
// Clients that come back soon, and waiting for them.

const OPTIONS = {
  path: '/socketio/', forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 50,
  randomizationFactor: 0,
};

function arrives(socket, event) {
  return new Promise((resolve) => socket.once(event, resolve));
}

async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

module.exports = {OPTIONS, arrives, until};
