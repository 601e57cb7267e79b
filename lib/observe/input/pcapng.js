'use strict';
// Reads packet captures in the pcapng format, as Wireshark writes them.

const { readStreams } = require('./streams');

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const SIMPLE = 3;
const ENHANCED = 6;
const OLD_PACKET = 2;

function readPcapng(bytes) {
  if (bytes.length < 12 || bytes.readUInt32BE(0) !== SECTION) return null;
  const frames = [];
  let little = true;
  let links = [];
  for (let at = 0; at + 12 <= bytes.length;) {
    if (bytes.readUInt32BE(at) === SECTION) {
      little = bytes.readUInt32BE(at + 8) === 0x4d3c2b1a;
      links = [];
    }
    const word = (offset) => (little ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset));
    const half = (offset) => (little ? bytes.readUInt16LE(offset) : bytes.readUInt16BE(offset));
    const type = word(at);
    const length = word(at + 4);
    if (length < 12 || at + length > bytes.length) break;
    const frame = (header, size) => bytes.subarray(at + header, Math.min(at + header + size, at + length - 4));
    if (type === INTERFACE) links.push(half(at + 8));
    else if (type === ENHANCED) frames.push({ link: links[word(at + 8)], frame: frame(28, word(at + 20)) });
    else if (type === OLD_PACKET) frames.push({ link: links[half(at + 8)], frame: frame(28, word(at + 20)) });
    else if (type === SIMPLE) frames.push({ link: links[0], frame: frame(12, word(at + 8)) });
    at += length;
  }
  return readStreams(frames);
}

module.exports = { readPcapng };
