'use strict';
// Keeps refusals at level `node`, where Node's own parser decides: what the errors say and, if there is a binary, what
// ferrohttp's parser finds in their packets. It has the methods of NativeServer that refusals need.

const { releaseOf } = require('../observe/releases');

const LOOKS = 100; // how many packets are looked at in a second
const KINDS = 96;
const PEERS = 128;
const TOP_PEERS = 20;

/** Known codes. All others count together. */
const KNOWN = /^(?:HPE_\w+|E[A-Z]+|DROPPED|ERR_HTTP_REQUEST_TIMEOUT|ERR_SSL_\w+)$/;

/** As in src/observe/hints.rs, which a program without a binary lacks. */
const TOO_MANY = {
  id: 'max-connections', text: 'the server had as many open connections as server.maxConnections allows', certain: true,
};

/** The parser of the binary; undefined without one. */
const parse = (() => {
  try {
    return require('../native').explain;
  } catch {
    return undefined;
  }
})();

function addressOf(address, port) {
  if (typeof address !== 'string') return undefined;
  return { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4' };
}

/** The name by which a peer is counted: an IPv4 address, or the /64 prefix of an IPv6 address. */
function counted(address) {
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7);
  if (!address.includes(':')) return address;
  const [left, right = ''] = address.split('%')[0].split('::');
  const groups = (text) => (text === '' ? [] : text.split(':'));
  const missing = Math.max(0, 8 - groups(left).length - groups(right).length);
  const all = [...groups(left), ...Array(missing).fill('0'), ...groups(right)];
  return `${all.slice(0, 4).join(':')}::/64`.replace(/^(?:0:)+0::|(?::0)+::/, '::');
}

class NodeStore {
  constructor({ keep, excerpt, redact }) {
    this.keep = keep;
    this.excerpt = excerpt;
    this.redact = redact;
    this.refusalCount = 0;
    this.ring = [];
    this.kinds = new Map(); // by code, reason and hint: { code, reason, hint, count, first, last }
    this.others = 0;
    this.skipped = 0;
    this.dropped = 0;
    this.peers = new Map();
    this.looks = LOOKS;
    this.since = 0;
  }

  /** What ferrohttp's parser finds in the packet, if it gives the same error as Node's. */
  look({ code, bytesParsed, rawPacket }, insecure, maxHeaderSize) {
    const now = Date.now();
    if (now - this.since >= 1000) {
      this.since = now;
      this.looks = LOOKS;
    }
    if (parse === undefined || !(rawPacket instanceof Uint8Array) || this.looks-- <= 0) return {};
    const { node, llhttp } = releaseOf();
    const { fields, query } = this.redact;
    const told = JSON.parse(parse([rawPacket], {
      llhttp, node, lenient: insecure ? 1023 : 0, maxHeaderSize, maxHeaderPairs: 2000, fin: false, upgrade: false, redact: fields, redactQuery: query,
    }));
    if (told.refusal?.code !== code || told.bytesParsed !== bytesParsed) return {};
    const { phase, request, previous, at, limit, hint, excerpt } = told.refusal;
    if (excerpt !== undefined) excerpt.bytes = excerpt.bytes.slice(0, this.excerpt);
    return { phase, request, previous, at, limit, hint, excerpt: this.excerpt > 0 ? excerpt : undefined };
  }

  /** Counts and keeps a refusal, and returns its number. */
  add(error, { status, outcome, socket, begun, requests, repeat, insecure, maxHeaderSize }) {
    const seq = ++this.refusalCount;
    const { reason, bytesParsed, rawPacket } = error ?? {};
    const code = typeof error?.code === 'string' ? error.code : 'UNKNOWN';
    const facts = this.keep > 0 && !repeat ? this.look(error ?? {}, insecure, maxHeaderSize) : {};
    const peer = addressOf(socket?.remoteAddress, socket?.remotePort);
    const ofPeer = peer === undefined ? undefined : this.countPeer(counted(peer.address));
    return this.put({
      seq, time: Date.now(), code, reason, status, outcome, phase: 'between', peer, ofPeer,
      local: addressOf(socket?.localAddress, socket?.localPort),
      connection: { age: Date.now() - begun, requests, bytesRead: socket?.bytesRead ?? 0 },
      at: rawPacket === undefined || bytesParsed === undefined ? undefined : { packet: bytesParsed, part: 'message' },
      repeat,
    }, facts);
  }

  /** A connection was dropped at `maxConnections`; `ends` are its addresses as 'drop' has them. */
  drop(ends = {}, { maxConnections }) {
    this.dropped++;
    const peer = addressOf(ends.remoteAddress, ends.remotePort);
    return this.put({
      seq: ++this.refusalCount, time: Date.now(), code: 'DROPPED', status: null, outcome: 'dropped', phase: 'silent', peer,
      ofPeer: peer === undefined ? undefined : this.countPeer(counted(peer.address)),
      local: addressOf(ends.localAddress, ends.localPort),
      connection: { age: 0, requests: 0, bytesRead: 0 },
      limit: { name: 'maxConnections', value: maxConnections, seen: maxConnections + 1, change: 'server.maxConnections = number' },
      repeat: false,
    }, { hint: TOO_MANY });
  }

  /** Counts a refusal, and keeps it with what our parser found out about it; its number. */
  put(refusal, facts) {
    const { seq, code, reason } = refusal;
    const kind = this.kindOf(KNOWN.test(code) ? code : 'OTHER', typeof reason === 'string' ? reason : undefined, facts.hint?.id);
    if (kind === undefined || this.keep === 0) {
      if (kind === undefined) this.others++;
      this.skipped++;
      return seq;
    }
    for (const [key, value] of Object.entries(facts)) if (value !== undefined) refusal[key] = value;
    kind.first ??= refusal;
    kind.last = refusal;
    this.ring.push(refusal);
    if (this.ring.length > this.keep) this.ring.shift();
    return seq;
  }

  kindOf(code, reason, hint) {
    const key = `${code}|${reason}|${hint}`;
    let kind = this.kinds.get(key);
    if (kind === undefined) {
      if (this.kinds.size >= KINDS) return undefined;
      kind = { code, reason, hint, count: 0 };
      this.kinds.set(key, kind);
    }
    kind.count++;
    return kind;
  }

  /**
   * The Space-Saving algorithm: if all places are taken, a new peer takes the place and the count of the rarest one.
   */
  countPeer(address) {
    let entry = this.peers.get(address);
    if (entry === undefined) {
      let error = 0;
      if (this.peers.size >= PEERS) {
        const [rarest, { count }] = [...this.peers].reduce((least, each) => (each[1].count < least[1].count ? each : least));
        this.peers.delete(rarest);
        error = count;
      }
      entry = { address, count: error, error };
      this.peers.set(address, entry);
    }
    return ++entry.count;
  }

  records() {
    const all = new Map();
    for (const { first, last } of this.kinds.values()) for (const each of [first, last]) if (each !== undefined) all.set(each.seq, each);
    for (const each of this.ring) all.set(each.seq, each);
    return [...all.values()].sort((a, b) => a.seq - b.seq);
  }

  refusals(after) {
    return JSON.stringify({ seq: this.refusalCount, refusals: this.records().filter(({ seq }) => seq > after) });
  }

  refusal(number) {
    const found = this.records().find(({ seq }) => seq === number);
    return found === undefined ? null : JSON.stringify(found);
  }

  answered(number, status) {
    const found = this.records().find(({ seq }) => seq === number);
    if (found !== undefined) Object.assign(found, { status, outcome: 'reply' });
  }

  refusalStats() {
    const peers = [...this.peers.values()].sort((a, b) => b.count - a.count).slice(0, TOP_PEERS);
    return JSON.stringify({
      total: this.refusalCount,
      kinds: Array.from(this.kinds.values(), ({ code, reason, hint, count }) => ({ code, reason, hint, count })),
      others: this.others, skipped: this.skipped, dropped: this.dropped, silent: 0, idleCloses: 0, keepAliveRaces: 0, tolerated: [], defects: 0,
      peers, idlePeers: [], advice: [],
    });
  }
}

module.exports = { NodeStore };
