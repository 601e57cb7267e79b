'use strict';

// Reads the examples of docs/client-error.md: each request, and the error and reply that it gets.

const fs = require('node:fs');
const path = require('node:path');

const PAGE = fs.readFileSync(path.join(__dirname, '../../docs/client-error.md'), 'utf8');
const TIMEOUT = 'ERR_HTTP_REQUEST_TIMEOUT';

/** Bytes of an example. */
function bytes(text) {
  const long = text.replace(/\[(.) × (\d+)\]/g, (_, byte, times) => byte.repeat(Number(times)));
  const raw = long.replace(/\\(x[0-9a-f]{2}|.)/g, (_, escape) => (escape[0] === 'x'
    ? String.fromCharCode(parseInt(escape.slice(1), 16))
    : { r: '\r', n: '\n', t: '\t' }[escape] ?? escape));
  return Buffer.from(raw, 'latin1');
}

function codeSpan(cell) {
  const span = /^(?:`` (.*?) ``|`(.*?)`)/.exec(cell);
  return span === null ? undefined : span[1] ?? span[2];
}

function cellsOf(line) {
  return line.trim().slice(1, -1).split('|').map((cell) => cell.trim());
}

/** Whether a release is at least another one. */
function atLeast(release, other) {
  const [a, b] = [release, other].map((text) => text.split('.').map(Number));
  const differing = a.findIndex((number, i) => number !== b[i]);
  return differing === -1 || a[differing] > b[differing];
}

function exampleOf(line, prefix) {
  const [code, reason, request, bytesParsed, reply] = cellsOf(line);
  const { llhttp } = process.versions;
  const from = /from llhttp ([\d.]+)/.exec(request)?.[1];
  const until = /before llhttp ([\d.]+)/.exec(request)?.[1];
  return {
    code: codeSpan(code),
    reason: codeSpan(reason),
    text: request,
    packet: bytes((codeSpan(request) ?? '').replace('…', () => prefix)),
    fin: request.endsWith(', then FIN'),
    applies: (from === undefined || atLeast(llhttp, from)) && (until === undefined || !atLeast(llhttp, until)),
    bytesParsed: bytesParsed === 'absent' ? undefined : Number(bytesParsed),
    reply: Number(reply),
  };
}

/** The examples of all tables, and the default replies by status and by code. */
function read(page) {
  const examples = [];
  const replyOfStatus = new Map();
  const statusOfCode = new Map();
  let prefix = '';
  let table = null;
  for (const line of page.split('\n')) {
    if (line.startsWith('### ')) prefix = '';
    if (line.startsWith('`…` stands for')) prefix = codeSpan(line.slice('`…` stands for '.length));
    if (!line.trim().startsWith('|')) {
      table = null;
    } else if (table === null) {
      table = cellsOf(line).join();
    } else if (table === 'Code,Reason,Request,bytesParsed,Reply' && line.startsWith('| `')) {
      examples.push(exampleOf(line, prefix));
    } else if (table === 'Code,Reply' && !line.includes('---')) {
      const [code, reply] = cellsOf(line);
      const status = Number(codeSpan(reply).slice(9, 12));
      replyOfStatus.set(status, bytes(codeSpan(reply)).toString('latin1'));
      statusOfCode.set(codeSpan(code), status);
    }
  }
  return { examples, replyOfStatus, statusOfCode };
}

module.exports = { ...read(PAGE), bytes, TIMEOUT };
