'use strict';
// A subscriber sees a request before the server looks at its fields.
const dc = require('node:diagnostics_channel');
const { http, get, talk } = require('./client.js');

const CHANGES = {
  '/no-host': (raw) => { raw[0] = 'X-Host'; },
  '/expect': (raw) => { raw[2] = 'Expect'; },
  '/not-latin1': (raw) => { raw[2] = 'Ł'; },
  '/valued': (raw) => { raw[3] = 'changed'; },
};
dc.subscribe('http.server.request.start', ({ request }) => { CHANGES[request.url]?.(request.rawHeaders); });
const server = http.createServer((req, res) => res.end(JSON.stringify([req.headers, req.rawHeaders])));
server.on('checkContinue', (req, res) => res.end(`continue ${JSON.stringify(req.headers)}`));
const all = Object.keys(CHANGES).map((target) => get(target, 'X-A: 100-continue'));
talk(server, ...all, ...all, ...all, get('/', 'X-A: 100-continue'), get('/', 'A: b'));
