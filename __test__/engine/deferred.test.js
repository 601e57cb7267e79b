'use strict';
// Responses of one batch leave together, but a long turn of the JavaScript thread does not hold them back.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const net = require('node:net');
const path = require('node:path');
const test = require('node:test');

const ROOT = path.resolve(__dirname, '../..');
const PIPELINE = 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n';

/** A server in a process of its own. `second` is the code of its handler for the second request. */
async function serve(t, second) {
  const program = `
    require(${JSON.stringify(ROOT)}).createServer((req, res) => {
      if (req.url === '/2') { ${second} }
      res.end(req.url);
    }).listen(0, '127.0.0.1', function () { console.log(this.address().port); });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const port = await new Promise((resolve) => child.stdout.once('data', (data) => resolve(Number(data))));
  const socket = net.connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  let text = '';
  socket.setEncoding('latin1').on('data', (data) => { text += data; }).on('error', () => {});
  const until = (pattern) => new Promise((resolve, reject) => {
    const look = () => { if (pattern.test(text)) resolve(text); };
    socket.on('data', look);
    socket.on('close', () => (pattern.test(text) ? resolve(text) : reject(new Error(`closed after: ${text}`))));
    look();
  });
  return { child, socket, until };
}

test('a response arrives while the next handler of the pipeline does not return', async (t) => {
  // The handler blocks its thread until the client has got the first response.
  const { child, socket, until } = await serve(t, "require('fs').readSync(0, Buffer.alloc(1));");
  socket.write(PIPELINE);
  await until(/\r\n\r\n\/1/);
  child.stdin.write('x');
  await until(/\r\n\r\n\/2$/);
});

test('a response is not lost when the next handler of the pipeline exits the process', async (t) => {
  const { socket, until } = await serve(t, 'process.exit();');
  socket.write(PIPELINE);
  assert.match(await until(/\r\n\r\n\/1/), /^HTTP\/1\.1 200 OK\r\n/);
});

test('a response is not lost when the next handler of the pipeline throws', async (t) => {
  const { socket, until } = await serve(t, "process.once('uncaughtException', () => {}); throw new Error('mine');");
  socket.write(PIPELINE);
  await until(/\r\n\r\n\/1/);
});
