'use strict';

// Upgrade and CONNECT, accepted or not, and what happens to the bytes behind them.

const { compare } = require('../support/harness.js');
const { describeError, describeRequest, describeSocket, text } = require('../support/trace.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const UPGRADE = 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n';
const UPGRADE_BODY = 'POST /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n' +
  'Content-Length: 3\r\n\r\n';
const CONNECT = 'CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n';

// Takes the connection over and echoes everything until 'bye'.
function accept(event) {
  return (server, observer) => {
    server.on(event, (req, socket, head) => {
      const lane = observer.laneOf(req.socket);
      lane.record(event, describeRequest(req), describeSocket(socket), {
        head: text(head),
        same: socket === req.socket,
        flowing: socket.readableFlowing,
        listeners: ['data', 'end', 'close', 'drain', 'error', 'timeout']
          .map((name) => socket.listenerCount(name)),
      });
      socket.on('error', (err) => lane.record('socket error', describeError(err)));
      socket.on('end', () => {
        lane.record('socket end');
        socket.end();
      });
      socket.on('close', (hadError) => lane.record('socket close', hadError));
      socket.write(`accepted ${head}`);
      socket.on('data', (chunk) => {
        lane.record('data', text(chunk));
        if (String(chunk) === 'bye') socket.end('bye');
        else socket.write(chunk);
      });
    });
  };
}

// Takes the connection over and reads it as a program does that expects chunks.
function acceptReading(server, observer) {
  server.on('upgrade', async (req, socket, head) => {
    const lane = observer.laneOf(socket);
    if (head.length) socket.unshift(head);
    socket.write('go');
    for await (const chunk of socket) {
      lane.record('chunk', text(chunk));
      socket.write(chunk);
    }
    lane.record('over');
    socket.end();
  });
}

for (const [event, request] of [['upgrade', UPGRADE], ['connect', CONNECT]]) {
  compare(`'${event}'`, [
    { name: 'with a listener', setup: accept(event), packets: [request, 'one', 'two', 'bye'] },
    { name: 'with a head', setup: accept(event), packets: [`${request}head`, 'one', 'bye'] },
    { name: 'with a head that would be refused', setup: accept(event),
      packets: [`${request}BAD / X\r\n\r\n`, GET, 'bye'] },
    { name: 'after a request', setup: accept(event), packets: [GET, request, 'one', 'bye'] },
    { name: 'pipelined behind a request', setup: accept(event),
      packets: [GET + request + 'head', 'one', 'bye'] },
    { name: 'behind a pending request', handler: 'hold', setup: accept(event),
      packets: [GET + request + 'head', 'one', { reply: [0, 'late'] }, 'bye'] },
    { name: 'ended by the client', setup: accept(event), packets: [request, 'one', { fin: true }] },
    { name: 'reset by the client', setup: accept(event), packets: [request, { reset: true }] },
    { name: 'in two packets', setup: accept(event),
      packets: [request.slice(0, 40), `${request.slice(40)}head`, 'bye'] },
    { name: 'without a listener', packets: [request, GET] },
    { name: 'without a listener, pipelined', packets: [request + GET, GET] },
    { name: 'split', setup: accept(event), packets: [`${request}xy`], split: true,
      modes: ['default', 'listener'] },
    {
      name: 'destroyed by the listener',
      setup(server) { server.on(event, (req, socket) => socket.destroy()); },
      packets: [request],
    },
    {
      name: 'destroyed with an error by the listener',
      setup(server, observer) {
        server.on(event, (req, socket) => {
          const lane = observer.laneOf(socket);
          socket.on('error', (err) => lane.record('socket error', err.message));
          socket.destroy(new Error('mine'));
        });
      },
      packets: [request],
    },
    {
      name: 'ended by the listener',
      setup(server) {
        server.on(event, (req, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
      },
      packets: [request],
    },
  ].map((spec) => ({ modes: ['default', 'listener', 'watched'], ...spec })));
}

compare('an upgrade', [
  { name: 'that is read with for await', setup: acceptReading,
    packets: [`${UPGRADE}head`, 'one', 'two', { fin: true }] },
  { name: 'without Connection', setup: accept('upgrade'),
    packets: ['GET / HTTP/1.1\r\nHost: a\r\nUpgrade: chat\r\n\r\n', GET] },
  { name: 'without Upgrade', setup: accept('upgrade'),
    packets: ['GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n', GET] },
  { name: 'in a list of tokens', setup: accept('upgrade'),
    packets: [UPGRADE.replace('Upgrade', 'keep-alive, upgrade'), 'bye'] },
  { name: 'with a body', setup: accept('upgrade'), packets: [`${UPGRADE_BODY}abcmore`, 'bye'] },
  { name: 'with a body in pieces', setup: accept('upgrade'),
    packets: [UPGRADE_BODY, 'ab', 'cmore', 'bye'] },
  { name: 'with a body, ignored', handler: 'echo', packets: [`${UPGRADE_BODY}abc${GET}`, GET] },
  { name: 'with a body in pieces, ignored', handler: 'echo',
    packets: [UPGRADE_BODY, 'ab', `c${GET}`, GET] },
  { name: 'with a broken body, ignored', handler: 'hold', packets: [
    UPGRADE.replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n'), 'y', GET] },
  { name: 'ignored, then a refused request', packets: [UPGRADE, 'BAD', GET] },
  { name: 'ignored, then a refused request in its packet', packets: [`${UPGRADE}BAD`, GET] },
  { name: 'ignored, then a half request', packets: [UPGRADE, 'GET / HT', 'TP/1.1\r\nHost: a\r\n\r\n', 'BAD'] },
  { name: 'over 1.0', setup: accept('upgrade'), packets: [UPGRADE.replace('1.1', '1.0'), 'bye'] },
  { name: 'to h2c, ignored', packets: [
    UPGRADE.replace('chat', 'h2c'), GET] },
].map((spec) => ({ modes: ['default', 'listener'], ...spec })));

compare('shouldUpgradeCallback', [true, false].flatMap((answer) => [true, false].map((listens) => ({
  name: `says ${answer}, ${listens ? 'with' : 'without'} a listener`,
  since: 22,
  options: { shouldUpgradeCallback: () => answer },
  setup(server, observer) { if (listens) accept('upgrade')(server, observer); },
  packets: [`${UPGRADE}head`, 'bye'],
  modes: ['default', 'listener'],
}))));
