'use strict';
// What the pages of the examples share: the state of the connection, in colour and words.

const element = (id) => document.getElementById(id);

const STATES = {
  connecting: 'connecting',
  connected: 'connected',
  away: 'away, trying again',
  refused: 'refused',
  missing: 'client file not loaded',
};

// The stylesheet has the colours. What is marked `data-online` works only while connected.
function showState(state, why) {
  document.documentElement.dataset.state = state;
  element('state').textContent = STATES[state] + (why ? ': ' + why : '');
  for (const each of document.querySelectorAll('[data-online]')) {
    each.disabled = state !== 'connected';
  }
}

// Show the state of a connection of Socket.IO; of all generations of the client.
function showStateOf(socket) {
  showState('connecting');
  socket.on('connect', () => showState('connected'));
  socket.on('disconnect', (reason) => {
    // If the server ended it, the client does not try again.
    const ended = reason === 'io server disconnect' || reason === 'booted';
    if (ended) showState('refused', 'the server ended the connection');
    else showState('away');
  });
  socket.on('connect_error', (error) => {
    if (socket.active) showState('away');
    else showState('refused', error.message);
  });
  socket.on('connect_failed', (reason) => showState('refused', reason));  // 0.9
}

// Show the state of a plain WebSocket, and call `connect` again when it is lost.
function showStateOfWebSocket(socket, connect) {
  socket.onopen = () => showState('connected');
  socket.onclose = ({code, reason}) => {
    if (code === 1008) return showState('refused', reason);
    showState('away');
    setTimeout(connect, 1000);
  };
}

// Whether the client file of Socket.IO is here. If not, tell how to serve it oneself.
function isClientLoaded() {
  if (window.io) return true;
  showState('missing');
  for (const form of document.forms) form.inert = true;  // nobody handles it
  const {src, dataset: {version, file, start}} = element('client');
  const note = document.createElement('section');
  note.id = 'missing';
  note.setAttribute('role', 'alert');
  note.innerHTML = `<h2>Client file not loaded</h2>
    <p>The client file of Socket.IO is missing. This page could not load <a></a>.</p>
    <p>Where that address cannot be reached, serve the file yourself:</p>
    <pre></pre>`;
  note.querySelector('a').textContent = note.querySelector('a').href = src;
  note.querySelector('pre').textContent = [
    `npm pack socket.io-client@${version}`,
    `tar xf socket.io-client-${version}.tgz`,
    `mkdir -p client && cp package/dist/socket.io.min.js client/${file}`,
    start,
  ].join('\n');
  document.body.prepend(note);
  return false;
}
