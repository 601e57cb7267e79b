'use strict';

// What the apps share.

const { createHash } = require('node:crypto');
const { Readable } = require('node:stream');
const { setImmediate } = require('node:timers/promises');

/** An error whose stack is the same everywhere: some frameworks send it. */
function broken() {
  const error = new Error('broken');
  error.stack = 'Error: broken';
  return error;
}

/** Chunks in turns of their own, so that each is written alone. */
async function* chunks() {
  for (const chunk of ['one', 'two', 'three']) {
    yield chunk;
    await setImmediate();
  }
}

const stream = () => Readable.from(chunks(), { objectMode: false });

/** A response body that begins and never ends. */
function endless() {
  let begun = false;
  return new Readable({
    read() {
      if (!begun) this.push('begun');
      begun = true;
    },
  });
}

/** Logs when a body begins and resolves to what it was. */
async function digest(body, log) {
  const hash = createHash('sha1');
  let bytes = 0;
  for await (const chunk of body) {
    if (bytes === 0) log('upload begun');
    bytes += chunk.length;
    hash.update(chunk);
  }
  return { bytes, sha1: hash.digest('hex') };
}

module.exports = { broken, digest, endless, stream };
