'use strict';
// A live page of the refusals of a server. It is a request handler that any application can mount.
//
// The page shows what clients have sent. So only this machine sees it by default, every string is made printable ASCII
// here and becomes a text node in the browser, and the page cannot load or run anything that did not come with it.

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { escape } = require('../escape');
const { format } = require('../format');
const { toServers } = require('../metrics');

const OPTIONS = new Set(['allow', 'hosts', 'title']);
const INTERVAL = 1000; // ms between two looks
const WATCHERS = 16; // the largest number of live streams
const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);
const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]'];
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

let parts;

/** The files of the page. They are read once. */
function template() {
  parts ??= ['page.html', 'page.css', 'client.js'].map((name) => fs.readFileSync(path.join(__dirname, name), 'utf8'));
  return parts;
}

function invalid(name, what, value) {
  const code = value === undefined ? 'ERR_INVALID_ARG_VALUE' : 'ERR_INVALID_ARG_TYPE';
  return Object.assign(new TypeError(`The option ${name} ${what}`), { code });
}

function check(options) {
  for (const key of Object.keys(options)) if (!OPTIONS.has(key)) throw invalid(key, 'does not exist');
  const { allow = 'loopback', hosts = [], title = 'Refusals' } = options;
  if (allow !== 'loopback' && allow !== 'any' && typeof allow !== 'function') {
    throw invalid('allow', "must be 'loopback', 'any' or a function", allow);
  }
  if (!Array.isArray(hosts) || !hosts.every((host) => typeof host === 'string')) {
    throw invalid('hosts', 'must be an array of strings', hosts);
  }
  if (typeof title !== 'string') throw invalid('title', 'must be a string', title);
  return { allow, hosts: new Set([...LOCAL_HOSTS, ...hosts.map((host) => host.toLowerCase())]), title };
}

/** The host name in a Host field, without the port. */
function hostName(field) {
  return typeof field === 'string' ? field.toLowerCase().replace(/:\d*$/, '') : '';
}

/** Makes every string in a value printable ASCII. */
function plain(value) {
  if (typeof value === 'string') return escape(value);
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

class Page {
  constructor(servers, { allow, hosts, title }) {
    this.servers = servers;
    this.allow = allow;
    this.hosts = hosts;
    this.title = title;
    this.watchers = new Set();
    this.timer = null;
  }

  /** The reason why a request is not answered, or null. */
  objection(req) {
    const { allow } = this;
    if (req.method !== 'GET' && req.method !== 'HEAD') return [405, 'Only GET and HEAD'];
    if (typeof allow === 'function') return allow(req) === true ? null : [403, 'Not allowed'];
    if (allow === 'any') return null;
    if (!LOOPBACK.has(req.socket?.remoteAddress)) return [403, 'This page is for the machine that it runs on'];
    // A proxy on this machine may forward requests of others.
    if (FORWARDED.some((name) => req.headers[name] !== undefined)) return [403, 'This page is not for proxies'];
    // A foreign site may let its own name resolve to this machine (DNS rebinding).
    if (!this.hosts.has(hostName(req.headers.host))) return [403, 'This page does not answer to that Host'];
    const site = req.headers['sec-fetch-site'];
    if (site === 'cross-site' || site === 'same-site') return [403, 'This page is not for other sites'];
    return null;
  }

  handle(req, res) {
    const objection = this.objection(req);
    res.setHeader('Cache-Control', 'no-store');
    res.setHeader('X-Content-Type-Options', 'nosniff');
    res.setHeader('Referrer-Policy', 'no-referrer');
    res.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
    if (objection !== null) {
      res.writeHead(objection[0], { 'Content-Type': 'text/plain' });
      res.end(`${objection[1]}\n`);
      return;
    }
    const { pathname, search } = new URL(req.originalUrl ?? req.url, 'http://localhost');
    if (pathname.endsWith('/events')) this.watch(req, res);
    else if (pathname.endsWith('/refusals.json')) this.json(res);
    else if (pathname.endsWith('/')) this.html(res);
    else this.redirect(res, `${pathname.slice(pathname.lastIndexOf('/') + 1)}/${search}`);
  }

  /** Redirects to the path with a slash at its end, so that the relative addresses on the page are below it. */
  redirect(res, location) {
    res.writeHead(302, { Location: `./${location}` });
    res.end();
  }

  html(res) {
    const [html, css, script] = template();
    const nonce = crypto.randomBytes(18).toString('base64');
    const policy = [
      "default-src 'none'", `script-src 'nonce-${nonce}'`, `style-src 'nonce-${nonce}'`, "connect-src 'self'",
      "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    ];
    res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': policy.join('; ') });
    const title = this.title.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
    const values = { nonce, title, css, script };
    res.end(html.replace(/\{\{(\w+)\}\}/g, (_, name) => values[name]));
  }

  json(res) {
    res.writeHead(200, { 'Content-Type': 'application/json' });
    res.end(JSON.stringify(this.snapshot(this.servers.map(() => 0))));
  }

  /** For each server its counts, and its refusals after the given number. */
  snapshot(after) {
    return {
      time: Date.now(),
      servers: this.servers.map((server, i) => ({
        stats: plain(server.refusalStats()),
        refusals: server.refusals({ after: after[i] }).map((refusal) => ({ ...plain(refusal), text: format(refusal) })),
      })),
    };
  }

  /** Sends new refusals for as long as the client stays connected. */
  watch(req, res) {
    if (this.watchers.size >= WATCHERS) {
      res.writeHead(503, { 'Content-Type': 'text/plain' });
      res.end('Too many live pages\n');
      return;
    }
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const watcher = { res, after: this.servers.map(() => 0), sent: '', own: req.socket?.server };
    this.watchers.add(watcher);
    res.on('close', () => this.leave(watcher));
    this.send(watcher);
    this.timer ??= setInterval(() => this.tick(), INTERVAL).unref();
  }

  leave(watcher) {
    this.watchers.delete(watcher);
    if (this.watchers.size > 0) return;
    clearInterval(this.timer);
    this.timer = null;
  }

  tick() {
    for (const watcher of this.watchers) {
      // A server that closes waits for its connections, so this one has to end.
      if (watcher.own?.listening === false) watcher.res.end();
      else if (!watcher.res.writableNeedDrain) this.send(watcher);
    }
  }

  send(watcher) {
    const snapshot = this.snapshot(watcher.after);
    watcher.after = snapshot.servers.map(({ stats }) => stats.total);
    const text = JSON.stringify(snapshot.servers);
    if (text === watcher.sent) return;
    watcher.sent = text;
    watcher.res.write(`data: ${JSON.stringify(snapshot)}\n\n`);
  }
}

/** Returns a request handler for a page about a server, or about several. See observe.d.ts. */
function page(servers, options = {}) {
  const view = new Page(toServers(servers), check(options));
  return function refusalsPage(req, res) {
    view.handle(req, res);
  };
}

module.exports = { page };
