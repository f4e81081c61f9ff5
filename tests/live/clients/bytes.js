'use strict';
// Bytes as the clients take them: a Buffer in Node, an ArrayBuffer in a browser, where
// those of 1.x and 2.x know nothing else.

function bytes(values) {
  const {buffer} = Uint8Array.from(values);
  return typeof Buffer === 'undefined' ? buffer : Buffer.from(buffer);
}

function isBytes(value) {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

// The values that `bytes` was given.
function values(content) {
  return Array.from(new Uint8Array(content));
}

// As a test spells them, so that JSON can carry them.
function spelled(content) {
  const digits = values(content).map((value) => value.toString(16).padStart(2, '0'));
  return {bytes: digits.join('')};
}

module.exports = {bytes, isBytes, spelled, values};
