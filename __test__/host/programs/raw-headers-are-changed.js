'use strict';
const { http, get, talk } = require('./client.js');

const CHANGES = {
  '/emptied': (raw) => { raw.length = 0; },
  '/changed': (raw) => { raw[1] = 'changed'; },
  '/renamed': (raw) => { raw[0] = 'changed'; },
};

/** The headers, or the error of a Node that makes them now and misses a line. */
function headersOf(req) {
  try {
    return req.headers;
  } catch (error) {
    return error.message;
  }
}

const server = http.createServer((req, res) => {
  CHANGES[req.url]?.(req.rawHeaders);
  res.end(JSON.stringify([headersOf(req), req.rawHeaders]));
});
const all = Object.keys(CHANGES).map((target) => get(target, 'X-A: b'));
// When a list of names comes for the third time, `headers` is made from a pattern.
talk(server, ...all, ...all, ...all, get('/', 'X-A: b'));
