'use strict';
// Pending output is sent from the memory of the program's own Buffers, which is released afterwards.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const test = require('node:test');
const { node, ours } = require('../support/implementations.js');

const CLIENTS = 10;
const BODY = 20_000_000;

const PROGRAM = (specifier, write) => `
  const body = Buffer.alloc(${BODY}, 'x');
  const server = require(${JSON.stringify(specifier)}).createServer((req, res) => { ${write} });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
  process.stdin.on('data', () => { // prints how much memory of a response is left
    gc(); gc();
    console.log(process.memoryUsage().external);
  });`;

const WRITES = {
  end: 'res.end(body);',
  write: 'res.write(body); res.end();',
  'many writes': 'for (let i = 0; i < 20; i++) res.write(body.subarray(i * 1e6, (i + 1) * 1e6)); res.end();',
  corked: 'res.cork(); res.write("a"); res.write(body); res.end("b");',
  pipe: "require('stream').Readable.from([body]).pipe(res);",
};

const rss = (pid) => Number(/VmRSS:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) * 1024;

/** A server of `write`'s, in a process of its own. */
async function serve(t, { specifier }, write) {
  const child = spawn(process.execPath, ['--expose-gc', '-e', PROGRAM(specifier, write)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill());
  const line = () => new Promise((resolve) => child.stdout.once('data', (data) => resolve(Number(data))));
  const port = await line();
  const external = () => {
    const answer = line();
    child.stdin.write('x');
    return answer;
  };
  return { pid: child.pid, port, external };
}

/** A client that has received the first bytes of its response, and reads no more. */
function stopped(t, port) {
  return new Promise((resolve, reject) => {
    const client = net.connect(port, '127.0.0.1', () => client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    t.after(() => client.destroy());
    client.on('error', reject);
    client.once('data', () => {
      client.pause();
      resolve(client);
    });
  });
}

const skip = process.platform !== 'linux' && 'needs /proc';

for (const [name, write] of Object.entries(WRITES)) {
  test(`one Buffer for clients that do not read takes no more memory: ${name}`, { skip }, async (t) => {
    const grown = [];
    for (const implementation of [node, ours]) {
      const server = await serve(t, implementation, write);
      await server.external();
      const before = rss(server.pid);
      for (let i = 0; i < CLIENTS; i++) await stopped(t, server.port);
      await server.external();
      grown.push(rss(server.pid) - before);
    }
    assert.ok(grown[1] < grown[0] + BODY, `${grown[1]} bytes, node:http ${grown[0]}`);
  });
}

for (const end of ['read', 'destroyed']) {
  test(`the memory of a response is let go of when it is ${end}`, { skip }, async (t) => {
    const server = await serve(t, ours, `res.end(Buffer.alloc(${BODY}, 'y'));`);
    const before = await server.external();
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => stopped(t, server.port)));
    assert.ok(await server.external() > before + (CLIENTS - 1) * BODY);
    for (const client of clients) {
      if (end === 'destroyed') {
        client.destroy();
        continue;
      }
      let left = BODY;
      await new Promise((resolve) => {
        client.on('data', (chunk) => {
          left -= chunk.length;
          if (left < 65_536) resolve();
        });
        client.resume();
      });
    }
    // The server hears of it a little later.
    while (await server.external() > before + BODY) await new Promise(setImmediate);
  });
}

test('a worker can be terminated while its responses are pending', async (t) => {
  const { Worker } = require('node:worker_threads');
  for (let round = 0; round < 10; round++) {
    const worker = new Worker(`
      const { parentPort } = require('node:worker_threads');
      const body = Buffer.alloc(${BODY}, 'x');
      const server = require(${JSON.stringify(ours.specifier)}).createServer((req, res) => res.end(body));
      server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`, { eval: true });
    const port = await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
    const client = await stopped(t, port);
    client.removeAllListeners('error').on('error', () => {});
    assert.strictEqual(await worker.terminate(), 1);
    client.resume();
    await new Promise((resolve) => client.on('close', resolve));
  }
});
