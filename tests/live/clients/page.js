'use strict';
// Uses the browser build of a client: plays scenarios, or meets the clients of other
// pages in a room. Its tests are in tests/live/test_browsers.py.

const {bytes, values} = require('./bytes.js');
const {GENERATIONS} = require('./clients.js');
const {playAll} = require('./player.js');

// Scenarios at a time: a browser has six connections to a server for all requests.
const AT_ONCE = 2;

// The ways of polling that only browsers have, by the options that choose them.
const WAYS = {
  base64: {transport: 'polling', options: {forceBase64: true}},
  jsonp: {transport: 'polling', options: {forceJSONP: true}},
  websocket64: {transport: 'websocket', options: {forceBase64: true}},
};

// Internet Explorer had documents without a window, in which the 0.9 client's htmlfile
// reads an endless page. This makes one with a hidden frame.
function standInForActiveX() {
  window.CollectGarbage = () => {};
  window.ActiveXObject = function ActiveXObject() {
    const frame = document.body.appendChild(document.createElement('iframe'));
    frame.hidden = true;
    frame.contentDocument.parentWindow = frame.contentWindow;
    return frame.contentDocument;
  };
}

function connection(client, transport, url) {
  if (transport === 'htmlfile') standInForActiveX();
  const way = client === '0.9' ? {transport} : WAYS[transport] || {transport};
  return {client, url, ...way};
}

// {transport: {seen: {scenario: observed}, answers: [the initiator of each request, and
// the type of its answer]}}.
async function play(client, scenarios) {
  const played = {};
  for (const [transport, names] of Object.entries(scenarios)) {
    performance.clearResourceTimings();
    const opened = connection(client, transport, location.origin);
    const seen = await playAll(names, opened, AT_ONCE);
    played[transport] = {seen, answers: answers(transport)};
  }
  return played;
}

function answers(transport) {
  const polls = performance.getEntriesByType('resource').filter(
    ({name, responseStatus}) => responseStatus === 200 && isOf(transport, new URL(name)),
  );
  const kinds = polls.map((poll) => `${poll.initiatorType} ${poll.contentType}`);
  return [...new Set(kinds)].sort();
}

// Whether this is a request of a session over this transport: those of the previous
// transport may still be ending.
function isOf(transport, {pathname, searchParams}) {
  if (!searchParams.has('sid')) return pathname.includes(`/socketio/1/${transport}/`);
  return searchParams.has('j') === (transport === 'jsonp');
}

// This page's client in the room.
let member;

performance.setResourceTimingBufferSize(10_000);

async function enter(client, transport, room) {
  const opened = connection(client, transport, location.origin);
  member = new GENERATIONS[client]({...opened, seen: []}, '/lab');
  await member.next('connect');
  await member.settled();
  await member.ask('enter', room);
}

function tell(client, room, text) {
  member.emit('tell_room', room, text);
}

function heard(client, count) {
  return member.take('heard', count);
}

// Opens a connection, and returns its outcome.
async function tryToConnect(client, transport, url) {
  const opened = connection(client, transport, url);
  member = new GENERATIONS[client]({...opened, seen: []}, '/lab');
  const [outcome] = await member.first(['connect', 'refused']);
  await member.close();
  return outcome;
}

// Lets another server compute something, and returns the result: a sum, or reversed
// bytes.
async function visit(client, transport, url, options) {
  const opened = connection(client, transport, url);
  opened.options = {...opened.options, ...options};
  member = new GENERATIONS[client]({...opened, seen: []}, '/lab');
  const [outcome] = await member.first(['connect', 'refused', 'error']);
  let answer = 'refused';
  if (outcome === 'connect') {
    await member.settled();
    [answer] = await member.ask('add', 20, 22);
    if (client !== '0.9') {
      const [reversed] = await member.ask('reverse', bytes([1, 2, 0]));
      answer = values(reversed);
    }
  }
  await member.close();
  return answer;
}

// The user of the page's connection.
async function whoAmI(client, transport, url) {
  const opened = connection(client, transport, url);
  opened.options = {withCredentials: true};
  member = new GENERATIONS[client]({...opened, seen: []}, '/members');
  const [outcome] = await member.first(['connect', 'refused']);
  const [name] = outcome === 'connect' ? await member.ask('who') : ['refused'];
  await member.close();
  return name;
}

module.exports = {enter, heard, play, tell, tryToConnect, visit, whoAmI};
