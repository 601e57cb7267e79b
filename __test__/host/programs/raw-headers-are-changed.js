'use strict';
const { http, get, talk } = require('./client.js');

const CHANGES = {
  '/emptied': (raw) => { raw.length = 0; },
  '/changed': (raw) => { raw[1] = 'changed'; },
  '/renamed': (raw) => { raw[0] = 'changed'; },
};
const server = http.createServer((req, res) => {
  CHANGES[req.url]?.(req.rawHeaders);
  res.end(JSON.stringify([req.headers, req.rawHeaders]));
});
const all = Object.keys(CHANGES).map((target) => get(target, 'X-A: b'));
// When a list of names comes for the third time, `headers` is made from a pattern.
talk(server, ...all, ...all, ...all, get('/', 'X-A: b'));
