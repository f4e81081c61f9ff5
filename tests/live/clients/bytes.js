'use strict';
// Bytes as the clients accept them: a Buffer in Node; in a browser an ArrayBuffer,
// since clients 1.x and 2.x accept nothing else there.

function bytes(values) {
  const {buffer} = Uint8Array.from(values);
  return typeof Buffer === 'undefined' ? buffer : Buffer.from(buffer);
}

function isBytes(value) {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

// The inverse of `bytes`.
function values(content) {
  return Array.from(new Uint8Array(content));
}

// The bytes as tests write them, in a form that JSON has.
function spelled(content) {
  const digits = values(content).map((value) => value.toString(16).padStart(2, '0'));
  return {bytes: digits.join('')};
}

module.exports = {bytes, isBytes, spelled, values};
