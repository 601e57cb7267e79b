'use strict';

// The handler of the servers of the long runs. The query of the target says what it answers, and how:
//
//   /bytes?seed=&length=&how=&when=   a body that the client knows (lib/pattern.js)
//   /count                            length and SHA-1 of the request's body
//   /echo                             the request's body
//   /ignore                           an answer, without reading the body
//   /never                            no answer

const { createHash } = require('node:crypto');
const { Readable } = require('node:stream');
const { body } = require('../lib/pattern.js');

const PIECE = 16 << 10;

function* pieces(bytes) {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

/** Ways to answer. */
const HOW = {
  end: (res, bytes) => res.end(bytes),
  string: (res, bytes) => res.end(bytes.toString('latin1'), 'latin1'),
  write(res, bytes) {
    for (const piece of pieces(bytes)) res.write(piece);
    res.end();
  },
  drain(res, bytes) {
    let at = 0;
    const more = () => {
      while (at < bytes.length) {
        if (!res.write(bytes.subarray(at, at += PIECE))) return res.once('drain', more);
      }
      res.end();
    };
    more();
  },
  pipe: (res, bytes) => Readable.from(pieces(bytes)).pipe(res),
};

/** Times to answer. */
const WHEN = {
  now: (answer) => answer(),
  tick: (answer) => process.nextTick(answer),
  immediate: (answer) => setImmediate(answer),
  timer: (answer) => setTimeout(answer, 20),
};

const ROUTES = {
  bytes(req, res, query) {
    const bytes = body(Number(query.get('seed')), Number(query.get('length')));
    const how = query.get('how');
    if (how === 'end' || how === 'string') res.setHeader('content-length', bytes.length);
    req.resume();
    WHEN[query.get('when')](() => HOW[how](res, bytes));
  },
  count(req, res) {
    const sum = createHash('sha1');
    let length = 0;
    req.on('data', (chunk) => {
      length += chunk.length;
      sum.update(chunk);
    });
    req.on('end', () => res.end(`${length} ${sum.digest('hex')}`));
  },
  echo: (req, res) => req.pipe(res),
  ignore: (req, res) => res.end('ignored'),
  never: (req) => req.resume(),
};

/** Returns a 'request' listener that calls `seen(req, res, query)` for each request. */
module.exports = function handler(seen = () => {}) {
  return (req, res) => {
    const { pathname, searchParams } = new URL(req.url, 'http://localhost');
    seen(req, res, searchParams);
    // Errors of messages whose connection has ended are ignored.
    req.on('error', () => {});
    res.on('error', () => {});
    ROUTES[pathname.slice(1)](req, res, searchParams);
  };
};
