'use strict';
// Reads packet captures in the classic format of libpcap, as tcpdump writes them.

const { readStreams } = require('./streams');

const MAGIC = new Set([0xa1b2c3d4, 0xa1b23c4d]);

function readPcap(bytes) {
  if (bytes.length < 24) return null;
  const little = MAGIC.has(bytes.readUInt32LE(0));
  if (!little && !MAGIC.has(bytes.readUInt32BE(0))) return null;
  const word = (at) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const link = word(20) & 0xffff;
  const frames = [];
  for (let at = 24; at + 16 <= bytes.length;) {
    const length = word(at + 8);
    frames.push({ link, frame: bytes.subarray(at + 16, at + 16 + length) });
    at += 16 + length;
  }
  return readStreams(frames);
}

module.exports = { readPcap };
