'use strict';

// ws and socket.io, on node:http and on ferrohttp.

const { randomBytes } = require('node:crypto');
const { once } = require('node:events');
const { describe } = require('node:test');
const express = require('express');
const { Server: SocketIo } = require('socket.io');
const socketIoClient = require('socket.io-client');
const { WebSocket, WebSocketServer } = require('ws');
const { compareApps } = require('./support/compare.js');
const { CLOSE } = require('./support/scripts.js');
const { message } = require('./support/client.js');

const HANDSHAKE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='];
// The text 'hi', then a close with code 1000, masked with zeros.
const HI = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
const BYE = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);
const LARGE = randomBytes(400_000);

/** An open WebSocket client that keeps what it receives. */
async function openWebSocket(bench, target, options) {
  const socket = new WebSocket(`${bench.url.replace('http', 'ws')}${target}`, options);
  const received = [];
  socket.on('message', (data, binary) => received.push(data));
  socket.received = async (count) => {
    while (received.length < count) await once(socket, 'message');
    return received;
  };
  await once(socket, 'open');
  return socket;
}

function logSocket(socket, log) {
  for (const event of ['ping', 'pong', 'close', 'error']) {
    socket.on(event, (value, text) => log('websocket', event, value?.code ?? value, text ?? ''));
  }
}

// Echoes everything, on /echo with compression. /refused is refused, and Express serves other paths.
function buildWs(createServer, log) {
  const app = express();
  app.get('/hello', (req, res) => res.send('hello'));
  const server = createServer(app);
  const plain = new WebSocketServer({ noServer: true });
  const deflating = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 0 } });
  for (const endpoint of [plain, deflating]) {
    endpoint.on('connection', (socket, req) => {
      log('connection', req.url, req.headers['sec-websocket-extensions'] ?? '');
      logSocket(socket, log);
      socket.on('message', (data, binary) => {
        log('message', data.length, binary);
        socket.send(data, { binary });
      });
    });
  }
  server.on('upgrade', (req, socket, head) => {
    log('head', head.length);
    if (req.url === '/refused') return socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
    const endpoint = req.url === '/deflate' ? deflating : plain;
    endpoint.handleUpgrade(req, socket, head, (ws) => endpoint.emit('connection', ws, req));
  });
  return server;
}

describe('ws', () => compareApps('ws', buildWs, {
  'handshake and frames on the wire': {
    async run(bench) {
      const client = await bench.connect();
      client.send(message('GET /echo', HANDSHAKE));
      await client.until('\r\n\r\n');
      client.send(HI);
      await client.until('hi');
      client.send(BYE);
      return client.finish();
    },
    shows: /101 Switching Protocols.*head 0.*message 2 false.*websocket close 1000/,
  },
  'frames in the packet of the handshake': {
    run: (bench) => bench.exchange(Buffer.concat([message('GET /echo', HANDSHAKE), HI, BYE])),
    shows: /101 Switching Protocols.*head 16.*message 2 false.*websocket close 1000/,
  },
  'handshake after a request on the same connection': {
    async run(bench) {
      const client = await bench.connect();
      client.send(message('GET /hello'));
      await client.until('hello');
      client.send(message('GET /echo', HANDSHAKE));
      await client.until('101 Switching Protocols');
      client.send(Buffer.concat([HI, BYE]));
      return client.finish();
    },
    shows: /200 OK.*101 Switching Protocols.*websocket close 1000/,
  },
  'text, binary, ping and close': {
    async run(bench) {
      const socket = await openWebSocket(bench, '/echo', { perMessageDeflate: false });
      socket.send('text');
      socket.send(Buffer.from([1, 2, 3]));
      socket.send(LARGE);
      const [text, binary, large] = await socket.received(3);
      socket.ping('are you there');
      await once(socket, 'pong');
      socket.close(4000, 'enough');
      const [code] = await once(socket, 'close');
      return { text: String(text), binary: [...binary], large: large.equals(LARGE), code };
    },
    shows: /"text":"text","binary":\[1,2,3\],"large":true,"code":4000.*ping are you there.*close 4000 enough/,
  },
  'permessage-deflate': {
    async run(bench) {
      const socket = await openWebSocket(bench, '/deflate');
      socket.send('a'.repeat(100_000));
      const [text] = await socket.received(1);
      socket.close();
      await once(socket, 'close');
      return { extensions: socket.extensions, length: text.length };
    },
    shows: /"extensions":"permessage-deflate","length":100000/,
  },
  'many messages at once': {
    async run(bench) {
      const socket = await openWebSocket(bench, '/echo');
      for (let i = 0; i < 500; i++) socket.send(`message ${i}`);
      const all = await socket.received(500);
      socket.close(1000);
      await once(socket, 'close');
      return all.map(String).join();
    },
    shows: /message 0,message 1,.*message 499/,
  },
  'a refused upgrade': {
    run: (bench) => bench.exchange(message('GET /refused', HANDSHAKE)),
    shows: /401 Unauthorized/,
  },
  'a malformed handshake': {
    run: (bench) => bench.exchange(message('GET /echo', HANDSHAKE.slice(0, 2))),
    shows: /HTTP\/1\.1 400 Bad Request|HTTP\/1\.1 426/,
  },
  'a request for the app': { run: (bench) => bench.exchange(message('GET /hello', CLOSE)), shows: /200 OK.*hello/ },
  'client abort': {
    async run(bench) {
      const client = await bench.connect();
      client.send(message('GET /echo', HANDSHAKE));
      await client.until('\r\n\r\n');
      await client.abort();
    },
    shows: /socket close true.*websocket close 1006/,
  },
  'FIN without a close frame': {
    async run(bench) {
      const client = await bench.connect();
      client.send(message('GET /echo', HANDSHAKE));
      await client.until('\r\n\r\n');
      client.socket.end();
      return client.finish();
    },
    shows: /websocket close 1006/,
  },
}));

function buildSocketIo(createServer, log) {
  const app = express();
  app.get('/hello', (req, res) => res.send('hello'));
  const server = createServer(app);
  const io = new SocketIo(server, { serveClient: false });
  io.on('connection', (socket) => {
    log('connected', socket.conn.transport.name, socket.handshake.auth.token);
    socket.conn.on('upgrade', () => log('upgraded', socket.conn.transport.name));
    socket.on('echo', (value, reply) => {
      log('echo', Buffer.isBuffer(value) ? value.length : JSON.stringify(value));
      reply(value);
    });
    socket.on('broadcast', (value) => io.emit('news', value));
    socket.on('disconnect', (reason) => log('disconnected', reason));
  });
  return server;
}

/** A connected client. The result is what it and the app say in a fixed order. */
async function converse(bench, transports) {
  const socket = socketIoClient(bench.url, { transports, auth: { token: 'abc' }, reconnection: false, forceNew: true });
  await new Promise((resolve, reject) => socket.on('connect', resolve).on('connect_error', reject));
  if (transports.length > 1) await bench.journal.until('upgraded websocket');
  const transport = socket.io.engine.transport.name;
  const echoed = await socket.emitWithAck('echo', { a: [1, 'é'] });
  const binary = await socket.emitWithAck('echo', LARGE);
  const news = new Promise((resolve) => socket.on('news', resolve));
  socket.emit('broadcast', 'hot');
  const result = { transport, echoed, binary: LARGE.equals(Buffer.from(binary)), news: await news };
  socket.disconnect();
  await bench.journal.until('disconnected client namespace disconnect');
  return result;
}

// Polling interleaves requests of several connections, so the app's log is compared by kind.
const appEvents = (result, bench) => ({ result, app: bench.journal.entries.filter((entry) => /^(connected|upgraded|echo|disc)/.test(entry)) });

describe('socket.io', () => compareApps('socket.io', buildSocketIo, {
  'by WebSocket': {
    run: (bench) => converse(bench, ['websocket']),
    shows: /"transport":"websocket","echoed":\{"a":\[1,"é"\]\},"binary":true,"news":"hot"/,
  },
  'by polling': {
    run: async (bench) => appEvents(await converse(bench, ['polling']), bench),
    shows: /"transport":"polling".*"binary":true,"news":"hot"/,
    resultOnly: true,
  },
  'by polling, upgraded to WebSocket': {
    run: async (bench) => appEvents(await converse(bench, ['polling', 'websocket']), bench),
    shows: /"transport":"websocket".*"binary":true,"news":"hot".*connected polling abc.*upgraded websocket/,
    resultOnly: true,
  },
  'a request for the app': { run: (bench) => bench.exchange(message('GET /hello', CLOSE)), shows: /200 OK.*hello/ },
  'a bad polling request': {
    run: (bench) => bench.exchange(message('GET /socket.io/?EIO=4&transport=polling&sid=none', CLOSE)),
    shows: /400 Bad Request.*Session ID unknown/,
  },
}));
