'use strict';
// Says whether a server accepts bytes, and why not: the verdict of the parser of any Node, and the refusal.

const http = require('http');
const { explain: parse } = require('../native');
const { keptOf } = require('../refusals/client-error');
const { toRefusal } = require('./record');
const { RELEASES, releaseOf } = require('./releases');

const INSECURE = 1023; // the lenient flags of insecureHTTPParser

/** What a packet that is not the first of its message may have begun in the middle of, with bytes that lead there. */
const BEGINNINGS = [
  ['', 'a message'],
  ['GET / HTTP/1.1\r\n', 'the lines of a head'],
  ['GET / HTTP/1.1\r\nCookie: a', 'a field value'],
  ['GET / HTTP/1.1\r\nHo', 'a field name'],
  ['GET /', 'a request target'],
  ['POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n', 'a chunk'],
  ['POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n', 'trailers'],
  ['POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello', 'the end of a body'],
  ['GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 'the end of the last message'],
];

const OPTIONS = new Set(['node', 'insecureHTTPParser', 'maxHeaderSize', 'maxHeadersCount', 'fin', 'upgrade', 'redact']);

function invalid(message, Class = TypeError, code = 'ERR_INVALID_ARG_TYPE') {
  return Object.assign(new Class(message), { code });
}

function checkOptions(options) {
  if (options === null || typeof options !== 'object') throw invalid('The options must be an object');
  for (const key of Object.keys(options)) {
    if (!OPTIONS.has(key)) throw invalid(`There is no option ${key}`, TypeError, 'ERR_INVALID_ARG_VALUE');
  }
  for (const key of ['maxHeaderSize', 'maxHeadersCount']) {
    const value = options[key];
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0)) {
      throw invalid(`The option ${key} must be a whole number, 0 or more`);
    }
  }
  for (const key of ['insecureHTTPParser', 'fin', 'upgrade']) {
    if (options[key] !== undefined && typeof options[key] !== 'boolean') throw invalid(`The option ${key} must be a boolean`);
  }
}

/** Checks `redact: { fields, query }`. */
function checkRedact(redact = {}) {
  if (redact === null || typeof redact !== 'object') throw invalid('The option redact must be an object');
  const { fields = [], query = false, ...rest } = redact;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw invalid(`There is no option redact.${unknown}`, TypeError, 'ERR_INVALID_ARG_VALUE');
  if (!Array.isArray(fields) || !fields.every((name) => typeof name === 'string')) {
    throw invalid('The option redact.fields must be an array of strings');
  }
  if (typeof query !== 'boolean') throw invalid('The option redact.query must be a boolean');
  return { fields, query };
}

function ask(packets, options, { node, llhttp }, insecure) {
  const { fields, query } = checkRedact(options.redact);
  const { maxHeaderSize = http.maxHeaderSize, maxHeadersCount = 1000 } = options;
  const told = JSON.parse(parse(packets, {
    llhttp,
    node,
    lenient: insecure ? INSECURE : 0,
    maxHeaderSize,
    maxHeaderPairs: maxHeadersCount * 2,
    fin: options.fin === true,
    upgrade: options.upgrade === true,
    redact: fields,
    redactQuery: query,
  }));
  if (told.refusal !== undefined) toRefusal(told.refusal);
  return told;
}

/** Returns the verdict of every release line, once strict and once with insecureHTTPParser. */
function matrix(packets, options = {}) {
  const rows = [];
  for (const [node, llhttp] of RELEASES) {
    for (const insecure of [false, true]) {
      const { verdict, refusal } = ask(packets, options, { node, llhttp }, insecure);
      const row = { node, insecure, verdict };
      if (verdict === 'refused') row.code = refusal.code;
      rows.push(row);
    }
  }
  return rows;
}

function toPackets(bytes) {
  const packets = Array.isArray(bytes) ? bytes : [bytes];
  return packets.map((packet) => {
    if (typeof packet === 'string') return Buffer.from(packet, 'latin1');
    if (!(packet instanceof Uint8Array)) {
      throw invalid('The first argument must be an error, a string of latin1, a Uint8Array, or an array of these packets');
    }
    return packet;
  }).filter((packet) => packet.length > 0);
}

/** Explains packets. */
function explainPackets(packets, options, release) {
  const insecure = options.insecureHTTPParser === true;
  const told = ask(packets, options, release, insecure);
  const explanation = { verdict: told.verdict, requests: told.requests, node: release.node, insecure };
  if (told.bytesParsed !== undefined) {
    explanation.packet = told.packet;
    explanation.bytesParsed = told.bytesParsed;
  }
  if (told.verdict === 'incomplete') explanation.awaited = told.refusal?.awaited;
  if (told.verdict !== 'refused') return explanation;
  explanation.refusal = told.refusal;
  // The parsers that do not refuse it.
  explanation.elsewhere = matrix(packets, options).filter(({ verdict }) => verdict !== 'refused');
  return explanation;
}

/**
 * Explains an error with its packet. If the packet is not the first of its message, it looks for a beginning with which
 * the parser gives the same error.
 */
function explainError(error, options, release) {
  const { code, reason, bytesParsed, rawPacket } = error;
  // If a server of ferrohttp made the error, what that server has seen is better than a guess.
  const kept = keptOf(error);
  if (kept !== null) return keptExplanation(toRefusal(JSON.parse(kept)), error, options, release);
  if (!(rawPacket instanceof Uint8Array)) return bare(error, release);
  for (const [beginning, assumed] of BEGINNINGS) {
    const packets = beginning === '' ? [rawPacket] : [Buffer.from(beginning), rawPacket];
    const explanation = explainPackets(packets, options, release);
    const { refusal } = explanation;
    const same = explanation.verdict === 'refused' && explanation.packet === packets.length - 1 && refusal.code === code &&
      (reason === undefined || refusal.reason === reason) && (bytesParsed === undefined || explanation.bytesParsed === bytesParsed);
    if (!same) continue;
    if (beginning === '') return explanation;
    explanation.assumed = assumed;
    explanation.packet = 0;
    unassume(refusal);
    return explanation;
  }
  return bare(error, release);
}

/** Explains an error that a server has kept. Other parsers are asked if the packet has all of its message. */
function keptExplanation(refusal, { bytesParsed, rawPacket }, options, release) {
  const explanation = { verdict: 'refused', requests: refusal.connection.requests, node: release.node, insecure: false };
  if (bytesParsed !== undefined) Object.assign(explanation, { packet: 0, bytesParsed });
  explanation.refusal = refusal;
  const begin = refusal.at === undefined || rawPacket === undefined ? -1 : refusal.at.packet - refusal.at.message;
  explanation.elsewhere = begin < 0 ? [] :
    matrix([rawPacket.subarray(begin)], options).filter(({ verdict }) => verdict !== 'refused');
  return explanation;
}

/** Removes what comes only from the assumed beginning. */
function unassume(refusal) {
  delete refusal.request;
  delete refusal.previous;
  delete refusal.limit;
  const { at } = refusal;
  if (at !== undefined) {
    refusal.at = { packet: at.packet, part: at.part };
    if (at.byte !== undefined) refusal.at.byte = at.byte;
  }
}

/** Explains an error by its properties alone. */
function bare(error, release) {
  const { code, reason, bytesParsed } = error;
  const refusal = {
    seq: 1, time: 0, code: typeof code === 'string' ? code : 'UNKNOWN', status: null, outcome: 'closed', phase: 'between',
    connection: { age: 0, requests: 0, bytesRead: 0 }, repeat: false,
  };
  if (reason !== undefined) refusal.reason = String(reason);
  if (Number.isInteger(bytesParsed)) refusal.at = { packet: bytesParsed, part: 'message' };
  return { verdict: 'refused', requests: 0, node: release.node, insecure: false, refusal, elsewhere: [] };
}

/** Explains bytes, or an error of 'clientError'. See observe.d.ts. */
function explain(subject, options = {}) {
  checkOptions(options);
  const release = releaseOf(options.node);
  if (subject instanceof Error || (subject !== null && typeof subject === 'object' && typeof subject.code === 'string' &&
      !(subject instanceof Uint8Array))) {
    return explainError(subject, options, release);
  }
  return explainPackets(toPackets(subject), options, release);
}

module.exports = { explain, matrix, checkRedact };
