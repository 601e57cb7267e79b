'use strict';
// Finds the TCP connections in captured frames, and what each client has sent, in the captured packets.

/** The IP packet in a frame, by link type. */
const LINKS = {
  0: (frame) => frame.subarray(4), // loopback of BSD
  1: ethernet,
  12: (frame) => frame, // raw IP
  14: (frame) => frame,
  101: (frame) => frame,
  108: (frame) => frame.subarray(4),
  113: (frame) => frame.subarray(16), // Linux, 'any'
  228: (frame) => frame,
  229: (frame) => frame,
  276: (frame) => frame.subarray(20), // Linux, 'any', version 2
};

function ethernet(frame) {
  let at = 12;
  while (frame.length >= at + 2 && [0x8100, 0x88a8].includes(frame.readUInt16BE(at))) at += 4;
  return frame.subarray(at + 2);
}

const hex = (bytes) => Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':');

/** The addresses and the TCP segment of an IP packet. */
function segmentOf(packet) {
  if (packet.length < 20) return null;
  const version = packet[0] >> 4;
  if (version === 4) {
    const header = (packet[0] & 15) * 4;
    const fragment = packet.readUInt16BE(6) & 0x1fff;
    if (packet[9] !== 6 || fragment !== 0) return null;
    // The length is 0 if the network card was to split the packet.
    const length = packet.readUInt16BE(2) || packet.length;
    return { from: [...packet.subarray(12, 16)].join('.'), to: [...packet.subarray(16, 20)].join('.'), tcp: packet.subarray(header, length) };
  }
  if (version === 6 && packet.length >= 40) {
    if (packet[6] !== 6) return null;
    const length = packet.readUInt16BE(4);
    return {
      from: `[${hex(packet.subarray(8, 24))}]`,
      to: `[${hex(packet.subarray(24, 40))}]`,
      tcp: packet.subarray(40, length === 0 ? packet.length : 40 + length),
    };
  }
  return null;
}

const FIN = 1;
const SYN = 2;
const ACK = 16;

/** One direction of a connection. */
class Flow {
  constructor(label) {
    this.label = label;
    this.next = null; // the sequence number of the next byte
    this.waiting = []; // segments that came before their turn
    this.packets = [];
    this.fin = false;
    this.client = null; // whether the client sends in this direction; null if that is not known
    this.lost = 0; // bytes that were not captured
  }

  add(sequence, flags, data) {
    if (flags & SYN) {
      this.next = (sequence + 1) >>> 0;
      this.client = (flags & ACK) === 0;
      return;
    }
    this.next ??= sequence;
    this.waiting.push({ sequence, fin: (flags & FIN) !== 0, data });
    this.advance();
  }

  advance() {
    for (let found = true; found;) {
      found = false;
      for (const [i, { sequence, fin, data }] of this.waiting.entries()) {
        const ahead = (sequence - this.next) | 0;
        if (ahead > 0) continue;
        this.waiting.splice(i, 1);
        // Bytes that were sent before are cut off.
        const fresh = data.subarray(Math.min(-ahead, data.length));
        if (fresh.length > 0) this.packets.push(fresh);
        this.next = (this.next + fresh.length) >>> 0;
        this.fin ||= fin;
        found = true;
        break;
      }
    }
  }

  /** At the end of the capture, takes segments behind a gap without the missing bytes. */
  finish() {
    while (this.waiting.length > 0) {
      const ahead = ({ sequence }) => (sequence - this.next) | 0;
      const nearest = this.waiting.reduce((a, b) => (ahead(b) < ahead(a) ? b : a));
      this.lost += ahead(nearest);
      this.next = nearest.sequence;
      this.advance();
    }
  }
}

/** Makes inputs from frames `{ link, frame }`. */
function readStreams(frames) {
  const flows = new Map();
  for (const { link, frame } of frames) {
    const found = LINKS[link] === undefined ? null : segmentOf(LINKS[link](frame));
    if (found === null || found.tcp.length < 20) continue;
    const { tcp } = found;
    const from = `${found.from}:${tcp.readUInt16BE(0)}`;
    const to = `${found.to}:${tcp.readUInt16BE(2)}`;
    const key = `${from} ${to}`;
    const flags = tcp[13];
    // The port is used for a new connection.
    if (flags & SYN && flows.get(key)?.packets.length > 0) {
      flows.set(`${key} ${flows.size}`, flows.get(key));
      flows.delete(key);
    }
    if (!flows.has(key)) flows.set(key, new Flow(`${from} to ${to}`));
    flows.get(key).add(tcp.readUInt32BE(4), flags, tcp.subarray((tcp[12] >> 4) * 4));
  }
  const inputs = [];
  for (const flow of flows.values()) {
    flow.finish();
    const { packets, fin, label, client, lost } = flow;
    const answers = packets.length > 0 && packets[0].toString('latin1', 0, 7) === 'HTTP/1.';
    if (packets.length === 0 || client === false || (client === null && answers)) continue;
    inputs.push({ label, packets, fin, truncated: lost });
  }
  return inputs;
}

module.exports = { readStreams };
