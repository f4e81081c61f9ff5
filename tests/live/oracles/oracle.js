'use strict';
// Answers what the reference parsers make of messages and payloads. A line of JSON asks,
// a line answers: {"value": …}, or {"error": why} where a parser refuses. Bytes are
// {"$bytes": base64}, numbers that JSON cannot write {"$number": their name}.

const readline = require('node:readline');

const OLD = require('socket.io-0.9/lib/parser.js');

const REVISIONS = {
  2: require('socket.io-parser-2'),
  3: require('socket.io-parser-3'),
  4: require('socket.io-parser-4'),
};

const ENGINES = {
  1: require('engine.io-parser-1'),
  2: require('engine.io-parser-2'),
  5: require('engine.io-parser-5'),
};

const TYPES = ['connect', 'disconnect', 'event', 'ack', 'error', 'event', 'ack'];

function pack(value) {
  if (value instanceof ArrayBuffer) value = Buffer.from(value);
  if (Buffer.isBuffer(value)) return {$bytes: value.toString('base64')};
  if (Array.isArray(value)) return value.map(pack);
  if (typeof value === 'number' && !Number.isFinite(value)) return {$number: `${value}`};
  if (value === undefined) return {$number: 'undefined'};
  if (value === null || typeof value !== 'object') return value;
  // `__proto__` is a key like any other in JSON.
  const packed = Object.create(null);
  for (const [key, item] of Object.entries(value)) packed[key] = pack(item);
  return packed;
}

function unpackDeep(value) {
  if (Array.isArray(value)) return value.map(unpackDeep);
  return value !== null && value.$bytes !== undefined ? unpack(value) : value;
}

function unpack(value) {
  return typeof value === 'string' ? value : Buffer.from(value.$bytes, 'base64');
}

// The packet in messages of Socket.IO 3, 4 or 5: text, and its attachments.
function packet(revision, messages) {
  const decoder = new REVISIONS[revision].Decoder();
  const packets = [];
  decoder.on('decoded', (each) => packets.push(each));
  messages.map(unpack).forEach((each) => decoder.add(each));
  if (packets.length !== 1) throw new Error(`${packets.length} packets`);
  const [{type, nsp, id, data}] = packets;
  // The old parsers return this for invalid packets.
  if (nsp === undefined) throw new Error(`${data}`);
  return {type: TYPES[type], nsp, ...id !== undefined && {id}, ...data !== undefined && {data: pack(data)}};
}

function packet09(messages) {
  const read = OLD.decodePacket(messages[0]);
  if (read.type === undefined) throw new Error('no packet');
  return pack(read);
}

// The packets in a payload of Engine.IO: [type, data].
function payload(version, body) {
  const parser = ENGINES[version];
  const packets = version === 5 ? parser.decodePayload(body) : [];
  if (version !== 5) {
    parser.decodePayload(body, (each) => { packets.push(each); });
  }
  if (packets.some(({type}) => type === 'error' || type === undefined)) {
    throw new Error('a packet that cannot be read');
  }
  return packets.map(({type, data = ''}) => [type, pack(data)]);
}

function payload09(body) {
  const packets = OLD.decodePayload(body);
  if (packets.some(({type}) => type === undefined)) throw new Error('no packet');
  return packets.map(pack);
}

// The messages that a client of Socket.IO 3, 4 or 5 writes for a packet.
function encode(revision, {type, nsp, id, data}, binary) {
  const number = TYPES.indexOf(type) + (binary && revision !== 4 ? 3 : 0);
  const made = {type: number, nsp, id, data: data && unpackDeep(data)};
  const encoder = new REVISIONS[revision].Encoder();
  if (revision === 4) return encoder.encode(made).map(pack);
  let written;
  encoder.encode(made, (messages) => { written = messages; });
  return written.map(pack);
}

// The payload that a client writes for [type, data], with or without bytes.
function write(version, packets, binary) {
  const made = packets.map(([type, data]) => ({type, data: unpack(data)}));
  let written;
  const take = (each) => { written = each; };
  if (version === 5) ENGINES[5].encodePayload(made, take);
  else ENGINES[version].encodePayload(made, binary, take);
  return pack(written);
}

// The bytes that Node decodes from base64.
function base64(text) {
  return pack(Buffer.from(text, 'base64'));
}

const QUESTIONS = {base64, encode, packet, packet09, payload: (version, body) => payload(version, unpack(body)), payload09, write};

readline.createInterface({input: process.stdin}).on('line', (line) => {
  let answer;
  try {
    const [question, ...args] = JSON.parse(line);
    answer = {value: QUESTIONS[question](...args)};
  } catch (error) {
    answer = {error: `${error.message}`};
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
});
