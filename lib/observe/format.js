'use strict';
// A refusal as text for people: at most 79 columns, whatever the client has sent.

const { escape, escapeByte } = require('./escape');

const WIDTH = 79;
const INDENT = '  ';

/** Puts words into lines of at most WIDTH columns. A longer word is cut. */
function wrap(text, indent = INDENT) {
  const room = WIDTH - indent.length;
  const lines = [];
  let line = '';
  for (let word of text.split(' ')) {
    while (word.length > room) {
      if (line !== '') lines.push(line);
      line = '';
      lines.push(word.slice(0, room));
      word = word.slice(room);
    }
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  if (line !== '') lines.push(line);
  return lines.map((each, i) => (i === 0 ? indent : `${indent}  `.slice(0, indent.length)) + each);
}

function endpoint({ address, port }) {
  return address.includes(':') ? `[${escape(address)}]:${port}` : `${escape(address)}:${port}`;
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

const OUTCOMES = {
  reply: ({ status }) => `answered ${status}`,
  listener: () => "left to the 'clientError' listener",
  closed: () => 'closed without a reply',
  dropped: () => 'dropped before anything was read',
};

function whoLine(refusal) {
  const { connection, peer, ofPeer, local } = refusal;
  const parts = [OUTCOMES[refusal.outcome](refusal)];
  if (peer !== undefined) parts.push(`peer ${endpoint(peer)}${ofPeer > 1 ? ` (refused ${ofPeer} times)` : ''}`);
  if (local !== undefined) parts.push(`local ${endpoint(local)}`);
  parts.push(`connection of ${connection.age} ms, ${plural(connection.requests, 'request')}, ${plural(connection.bytesRead, 'byte')}`);
  return parts.join(', ');
}

function requestLine({ method, target, host, fields, contentLength, bodyReceived }, phase) {
  const parts = [];
  if (method !== undefined) parts.push(target === undefined ? escape(method) : `${escape(method)} ${escape(target)}`);
  if (host !== undefined) parts.push(`Host ${escape(host)}`);
  if (fields > 0) parts.push(plural(fields, 'field'));
  if (contentLength !== undefined) parts.push(`Content-Length ${contentLength}, ${plural(bodyReceived, 'byte')} of it received`);
  return `in ${phase} of ${parts.length > 0 ? parts.join(', ') : 'a request'}`;
}

function atLine({ packet, message, connection, byte, field, part, index }) {
  const offsets = [`byte ${packet} of the packet`];
  if (message !== undefined && message !== packet) offsets.push(`${message} of the message`);
  if (connection !== undefined && connection !== message) offsets.push(`${connection} of the connection`);
  let text = offsets.join(', ');
  if (byte !== undefined) text += `, ${byteName(byte)}`;
  text += `, in ${part}`;
  if (index !== undefined) text += ` at ${index}`;
  if (field !== undefined) text += ` of field ${escape(field)}`;
  return text;
}

function byteName(byte) {
  const hex = `0x${byte.toString(16).padStart(2, '0')}`;
  return byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}' (${hex})` : hex;
}

function limitLine({ name, value, seen, change, largest = [] }) {
  const unit = name.endsWith('Timeout') ? ' ms' : '';
  let text = `limit ${name} is ${value}${unit}, at least ${seen}${unit} were seen; to change it: ${change}`;
  if (largest.length > 0) text += `; largest: ${largest.map((each) => `${escape(each.name)} ${each.bytes} bytes`).join(', ')}`;
  return text;
}

/**
 * The excerpt as HAProxy shows it: offsets and escaped bytes, with a new line after each LF. `+` after the offset means
 * that the line continues the one before. The refused byte is marked below.
 */
function dump({ bytes, from, clipped, redacted }, offset) {
  const lines = [];
  const column = 9;
  let text = '';
  let start = 0;
  let continued = ' ';
  let mark = -1;
  const flush = (end, goesOn) => {
    if (end > start) lines.push(`${INDENT}${String(from + start).padStart(5, '0')}${continued} ${text}`);
    if (mark >= 0) lines.push(`${' '.repeat(mark)}^`);
    mark = -1;
    text = '';
    start = end;
    continued = goesOn ? '+' : ' ';
  };
  for (let i = 0; i < bytes.length; i++) {
    const piece = escapeByte(bytes[i]);
    if (column + text.length + piece.length > WIDTH) flush(i, true);
    if (from + i === offset) mark = column + text.length;
    text += piece;
    if (bytes[i] === 10) flush(i + 1, false);
  }
  if (from + bytes.length === offset) {
    mark = column + text.length;
    if (mark >= WIDTH) mark = WIDTH - 1;
  }
  flush(bytes.length, false);
  if (clipped) lines.push(`${INDENT}(the packet has more)`);
  if (redacted > 0) lines.push(`${INDENT}(${plural(redacted, 'byte')} hidden)`);
  return lines;
}

/** Returns a refusal as text, without a line break at the end. */
function format(refusal) {
  const { seq, time, code, reason, hint, limit, at, awaited, request, previous, excerpt } = refusal;
  const when = time > 0 ? `[${new Date(time).toISOString()}] #${seq} ` : '';
  const lines = wrap(`${when}${escape(code)}${reason === undefined ? '' : `: ${escape(reason)}`}`, '');
  const say = (text) => lines.push(...wrap(text));
  if (time > 0 || refusal.peer !== undefined) say(whoLine(refusal));
  if (hint !== undefined) say(`${hint.certain ? 'this is' : 'most likely'}: ${escape(hint.text)} [${hint.id}]`);
  if (request !== undefined) say(requestLine(request, refusal.phase));
  if (previous !== undefined) {
    const length = previous.contentLength === undefined ? 'no Content-Length' : `Content-Length ${previous.contentLength}`;
    say(`after ${escape(previous.method)} with ${length}`);
  }
  if (at !== undefined) say(atLine(at));
  if (awaited !== undefined) say(`still awaited: ${escape(awaited)}`);
  if (limit !== undefined) say(limitLine(limit));
  if (refusal.repeat) say('once more, for a further packet of a connection that was refused before');
  if (excerpt !== undefined) lines.push('', ...dump(excerpt, at?.packet));
  return lines.join('\n');
}

module.exports = { format, wrap, WIDTH };
