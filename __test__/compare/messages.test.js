'use strict';

// Requests that are served: framing, persistence, expectations, and the order of events.

const { compare } = require('../support/harness.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\n';
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;

function request({ method = 'GET', version = '1.1', fields = [], host = 'Host: a' }) {
  return `${method} / HTTP/${version}\r\n${[host, ...fields].filter(Boolean).join('\r\n')}\r\n\r\n`;
}

compare('persistence', [
  ['of 1.1', {}],
  ['of 1.1 with close', { fields: ['Connection: close'] }],
  ['of 1.1 with CLOSE in a list', { fields: ['Connection: foo, CLOSE ,bar'] }],
  ['of 1.1 with a word like close', { fields: ['Connection: closed'] }],
  ['of 1.1 with Proxy-Connection: close', { fields: ['Proxy-Connection: close'] }],
  ['of 1.1 with close and keep-alive', { fields: ['Connection: keep-alive, close'] }],
  ['of 1.0', { version: '1.0' }],
  ['of 1.0 with keep-alive', { version: '1.0', fields: ['Connection: keep-alive'] }],
  ['of 2.0', { version: '2.0' }],
  ['of 2.0 with keep-alive', { version: '2.0', fields: ['Connection: keep-alive'] }],
].flatMap(([name, parts]) => [
  { name, packets: [request(parts), request(parts)], codes: undefined },
  {
    name: `${name}, with Content-Length`,
    packets: [request(parts), request(parts)],
    handler(req, res) {
      res.setHeader('Content-Length', 2);
      res.end('ok');
    },
  },
  {
    name: `${name}, pipelined and chunked`,
    packets: [request(parts) + request(parts)],
    handler(req, res) {
      res.write('a');
      setImmediate(() => res.end('b'));
    },
  },
]));

compare('a reply', [
  ['with setHeader', (req, res) => {
    res.setHeader('X-A', ['1', '2']);
    res.setHeader('Set-Cookie', ['a=b', 'c=d']);
    res.statusCode = 201;
    res.end('x');
  }],
  ['with writeHead', (req, res) => {
    res.writeHead(418, 'Short', { A: 'b', C: 1 });
    res.end('x');
  }],
  ['with an array for writeHead', (req, res) => {
    res.writeHead(200, ['A', 'b', 'A', 'c', 'Content-Length', '1']);
    res.end('x');
  }],
  ['with no body', (req, res) => res.end()],
  ['with a Buffer', (req, res) => res.end(Buffer.from([0, 255, 128]))],
  ['with UTF-8', (req, res) => res.end('h\u00e9\u20ac\u{1f600}')],
  ['with an encoding', (req, res) => res.end('c3a9', 'hex')],
  ['with latin1 writes', (req, res) => {
    res.write('\u00e9', 'latin1');
    res.end('\u00e8', 'latin1');
  }],
  ['with a latin1 header', (req, res) => {
    res.setHeader('X', 'caf\u00e9');
    res.end('\u20ac');
  }],
  ['with an explicit length', (req, res) => {
    res.setHeader('Content-Length', 4);
    res.write('ab');
    res.end('cd');
  }],
  ['with several writes', (req, res) => {
    res.write('a');
    res.write(Buffer.from('b'));
    res.end('c');
  }],
  ['with writes in several turns', (req, res) => {
    res.write('a');
    setImmediate(() => {
      res.write('b');
      process.nextTick(() => res.end());
    });
  }],
  ['with an early head', (req, res) => {
    res.flushHeaders();
    setImmediate(() => res.end('x'));
  }],
  ['with trailers', (req, res) => {
    if (req.httpVersion === '1.1' && req.method === 'GET') res.setHeader('Trailer', 'X-T');
    res.write('a');
    res.addTrailers({ 'X-T': 'u' });
    res.end();
  }],
  ['with status 204', (req, res) => {
    res.statusCode = 204;
    res.end('ignored');
  }],
  ['with status 304', (req, res) => {
    res.writeHead(304, { 'Content-Length': 10 });
    res.end();
  }],
  ['with 103 Early Hints', (req, res) => {
    res.writeEarlyHints({ link: '</a.css>; rel=preload' });
    res.end('x');
  }],
  ['with 102 Processing', (req, res) => {
    res.writeProcessing();
    res.end('x');
  }],
  ['with Connection: close', (req, res) => {
    res.setHeader('Connection', 'close');
    res.end('x');
  }],
  ['without Date', (req, res) => {
    res.sendDate = false;
    res.end('x');
  }],
  ['without automatic fields', (req, res) => {
    for (const name of ['Connection', 'Date', 'Content-Length', 'Transfer-Encoding']) {
      res.removeHeader(name);
    }
    res.end('x');
  }],
  ['with shouldKeepAlive taken back', (req, res) => {
    res.shouldKeepAlive = false;
    res.end('x');
  }],
  ['that is corked', (req, res) => {
    res.cork();
    res.write('a');
    res.write('b');
    res.uncork();
    res.end('c');
  }],
  ['with an unknown status', (req, res) => {
    res.statusCode = 799;
    res.end();
  }],
  ['written to after its end', (req, res, observer) => {
    const lane = observer.laneOf(req.socket);
    res.end('x');
    lane.record('write', res.write('y', (err) => lane.record('written', err?.code)));
    res.end('z', () => lane.record('ended'));
  }],
  ['with callbacks', (req, res, observer) => {
    const lane = observer.laneOf(req.socket);
    res.write('a', (err) => lane.record('written', err?.code ?? null));
    res.end('b', (err) => lane.record('ended', err?.code ?? null));
  }],
  ['that is destroyed before its head', (req, res) => res.destroy()],
  ['that is destroyed in the middle', (req, res) => {
    res.write('a');
    setImmediate(() => res.destroy());
  }],
  ['after an error of its program', (req, res, observer) => {
    try {
      res.writeHead(200);
      res.writeHead(200);
    } catch (err) {
      observer.laneOf(req.socket).record('thrown', err.code);
    }
    res.end('x');
  }],
].flatMap(([name, handler]) => [
  { name, handler, packets: [GET, GET], modes: ['listener', 'watched'] },
  { name: `${name}, to HEAD`, handler, packets: [request({ method: 'HEAD' })], modes: ['watched'] },
  { name: `${name}, to 1.0`, handler, packets: [request({ version: '1.0' })], modes: ['watched'] },
]));

compare('a request body', [
  ['of known length', `${POST}Content-Length: 5\r\n\r\nhello`],
  ['of known length in pieces', `${POST}Content-Length: 5\r\n\r\n`, 'he', 'llo'],
  ['that is chunked', `${CHUNKED}5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\n\r\n`],
  ['that is chunked, in pieces', CHUNKED, '5\r\nhe', 'llo', '\r\n0\r\n', '\r\n'],
  ['with trailers', `${CHUNKED}1\r\na\r\n0\r\nA: b\r\na: c\r\nSet-Cookie: d\r\n\r\n`],
  ['of no bytes', `${POST}Content-Length: 0\r\n\r\n`],
  ['of a GET', request({ fields: ['Content-Length: 2'] }) + 'ab'],
  ['followed by requests', `${POST}Content-Length: 2\r\n\r\nab${GET}${CHUNKED}1\r\nx\r\n0\r\n\r\n`],
  ['of 60,000 bytes', `${POST}Content-Length: 60000\r\n\r\n`, 'x'.repeat(60000)],
].flatMap(([name, ...packets]) => ['echo', 'hello', 'hold'].map((handler) => ({
  name: `${name}, handler ${handler}`,
  handler,
  packets,
  split: packets.length === 1 && packets[0].length < 90,
  modes: ['default', 'watched'],
  codes: [],
}))));

compare('a request body', [
  {
    name: 'that is paused and resumed',
    packets: [`${POST}Content-Length: 6\r\n\r\nab`, 'cd', {
      run: (observer) => observer.paused.resume(),
    }, 'ef'],
    handler(req, res, observer) {
      observer.paused = req;
      observer.readBody(req, (body) => res.end(body));
      req.pause();
    },
  },
  {
    name: 'that is read with for await',
    packets: [`${CHUNKED}1\r\na\r\n`, '1\r\nb\r\n0\r\n\r\n'],
    async handler(req, res) {
      let body = '';
      for await (const chunk of req) body += chunk;
      res.end(body);
    },
  },
  {
    name: 'that is read with for await and breaks',
    packets: [`${CHUNKED}1\r\na\r\n`, '1\r\nb\r\n', 'x\r\n'],
    async handler(req, res, observer) {
      const lane = observer.laneOf(req.socket);
      try {
        for await (const chunk of req) lane.record('chunk', String(chunk));
      } catch (err) {
        lane.record('caught', err.code, err.message);
      }
    },
  },
  {
    name: 'with an encoding',
    packets: [`${POST}Content-Length: 3\r\n\r\n\xe2\x82`, '\xac'],
    handler(req, res, observer) {
      const lane = observer.laneOf(req.socket);
      req.setEncoding('utf8');
      req.on('data', (chunk) => lane.record('chunk', chunk));
      req.on('end', () => res.end('x'));
    },
  },
  {
    name: 'that is piped back',
    packets: [`${CHUNKED}5\r\nhello\r\n`, '5\r\nworld\r\n0\r\n\r\n', GET],
    handler(req, res) { req.pipe(res); },
  },
]);

compare('pipelining', [
  { name: 'with replies at once', packets: [GET.repeat(5)] },
  { name: 'with bodies', handler: 'echo', packets: [`${POST}Content-Length: 1\r\n\r\na`.repeat(5)] },
  {
    name: 'with replies out of order',
    handler: 'hold',
    packets: [GET.repeat(4), { reply: [3, 'd'] }, { reply: [1, 'b'] }, { reply: [0, 'a'] },
      { reply: [2, 'c'] }, GET, { reply: [4, 'e'] }],
  },
  {
    name: 'behind a body that nobody reads, whose first packet is beyond the high water mark',
    options: { highWaterMark: 1000 },
    handler: 'ignore',
    packets: [`${POST}Content-Length: 40000\r\n\r\n${'a'.repeat(20_000)}`, 'b'.repeat(20_000), GET],
  },
  {
    name: 'with Connection: close in the middle',
    packets: [GET + request({ fields: ['Connection: close'] }) + GET],
  },
  {
    name: 'with Connection: close in the middle and pending replies',
    handler: 'hold',
    packets: [GET + request({ fields: ['Connection: close'] }) + GET, { reply: [0, 'a'] },
      { reply: [1, 'b'] }],
  },
  {
    name: 'with a reply that closes in the middle',
    packets: [GET.repeat(3)],
    handler(req, res, observer) {
      if (observer.count === undefined) res.setHeader('Connection', 'close');
      observer.count = 1;
      res.end('x');
    },
  },
  {
    name: 'with a socket destroyed in the middle',
    packets: [GET.repeat(3)],
    handler(req, res) {
      res.end('x');
      setImmediate(() => req.socket.destroy());
    },
  },
  {
    name: 'with a socket destroyed by the first handler',
    packets: [GET.repeat(3)],
    handler(req) { req.socket.destroy(); },
  },
  { name: 'of 200 requests', packets: [GET.repeat(200)], modes: ['default', 'listener'] },
  {
    name: 'with chunked replies in later turns',
    packets: [GET.repeat(3)],
    handler(req, res) {
      res.write('a');
      setImmediate(() => setImmediate(() => res.end('b')));
    },
  },
  { name: 'behind a HEAD', packets: [request({ method: 'HEAD' }) + GET] },
]);

compare('the Host field', [
  { name: 'missing', packets: [request({ host: '' }), GET] },
  { name: 'missing, pipelined', packets: [request({ host: '' }) + GET] },
  { name: 'missing, with a body', packets: [
    request({ method: 'POST', host: '', fields: ['Content-Length: 2'] }) + 'ab', GET] },
  { name: 'missing in 1.0', packets: [request({ host: '', version: '1.0' })] },
  { name: 'empty', packets: [request({ host: 'Host:' })] },
  { name: 'twice', packets: [request({ fields: ['Host: b'] })] },
  {
    name: 'not required',
    options: { requireHostHeader: false },
    packets: [request({ host: '' })],
  },
  {
    name: 'no longer required',
    setup(server) { server.requireHostHeader = false; },
    packets: [request({ host: '' })],
  },
]);

const EXPECT = `${POST}Content-Length: 3\r\nExpect: `;
compare('an expectation', [
  { name: 'of 100-continue', handler: 'echo', packets: [`${EXPECT}100-continue\r\n\r\n`, 'abc', GET] },
  { name: 'with its body', handler: 'echo', packets: [`${EXPECT}100-continue\r\n\r\nabc${GET}`] },
  { name: 'in odd case', handler: 'echo', packets: [`${EXPECT}100-Continue\r\n\r\nabc`] },
  { name: 'of something else', handler: 'echo', packets: [`${EXPECT}cake\r\n\r\nabc`, GET] },
  {
    name: 'of 1.0',
    handler: 'echo',
    packets: ['POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc'],
  },
  {
    name: 'answered by a listener',
    handler: 'echo',
    setup(server, observer) {
      server.on('checkContinue', (req, res) => {
        observer.request('checkContinue', req, res);
        res.writeContinue();
      });
    },
    packets: [`${EXPECT}100-continue\r\n\r\n`, 'abc', GET],
  },
  {
    name: 'declined by a listener',
    handler(req, res) {
      res.statusCode = 413;
      res.end();
    },
    setup(server, observer) {
      server.on('checkContinue', (req, res) => observer.request('checkContinue', req, res));
    },
    packets: [`${EXPECT}100-continue\r\n\r\n`, 'abc'],
  },
  {
    name: 'of something else, with a listener',
    handler: 'hello',
    setup(server, observer) {
      server.on('checkExpectation', (req, res) => observer.request('checkExpectation', req, res));
    },
    packets: [`${EXPECT}cake\r\n\r\nabc`],
  },
  { name: 'pipelined', handler: 'echo',
    packets: [`${GET}${EXPECT}100-continue\r\n\r\n`, `abc${GET}`] },
]);

compare('a half-closed connection', [
  { name: 'after a request', packets: [GET, { fin: true }] },
  { name: 'with its request in one go', packets: [GET] },
  {
    name: 'with a reply in a later turn',
    handler(req, res) { setImmediate(() => setImmediate(() => res.end('late'))); },
    packets: [GET, { fin: true }],
  },
  {
    name: 'with a pending body',
    setup(server) { server.httpAllowHalfOpen = true; },
    handler: 'echo',
    packets: [GET, { fin: true }],
  },
  {
    name: 'that may stay so, with two replies pending',
    setup(server) { server.httpAllowHalfOpen = true; },
    handler: 'hold',
    through: true,
    packets: [GET + GET, { fin: true }, { reply: [0, 'a'] }, { reply: [1, 'b'] }],
  },
  {
    name: 'that may stay so, idle',
    setup(server) { server.httpAllowHalfOpen = true; },
    modes: ['default', 'watched'],
    through: true,
    packets: [GET, { fin: true }],
  },
]);

compare('a response class', [
  {
    name: 'of the program\'s own',
    options() {
      const { IncomingMessage, ServerResponse } = require('node:http');
      return {
        IncomingMessage: class extends IncomingMessage { get mine() { return this.url; } },
        ServerResponse: class extends ServerResponse { reply(text) { this.end(text); } },
      };
    },
    handler(req, res) { res.reply(`${req.mine} ${req.constructor.name}`); },
    packets: [GET, GET],
  },
  {
    name: 're-parented by a framework',
    setup(server, observer) {
      const { IncomingMessage, ServerResponse } = require('node:http');
      const reqProto = Object.create(IncomingMessage.prototype);
      const resProto = Object.create(ServerResponse.prototype);
      observer.handle = (req, res) => {
        Object.setPrototypeOf(req, reqProto);
        Object.setPrototypeOf(res, resProto);
        observer.readBody(req, (body) => {
          res.setHeader('X', 'y');
          res.write(body);
          res.end('!');
        });
      };
    },
    packets: [`${POST}Content-Length: 2\r\n\r\nab`, GET],
  },
]);
