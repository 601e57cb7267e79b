'use strict';

// A program of max-connections.test.js: workers whose servers have room for one connection each, and a primary that
// opens one more than they have room for.
//
//   node max-connections-program.js none|rr|alone drop|keep MODULE

const cluster = require('node:cluster');
const net = require('node:net');

const [, , policy, what, specifier] = process.argv;
// Who accepts is up to the kernel where each worker does.
const WORKERS = policy === 'rr' ? 2 : 1;
cluster.schedulingPolicy = policy === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR;

/** A client, and what becomes of its request: 'answered' or 'closed'. */
function ask(port) {
  const socket = net.connect(port, '127.0.0.1');
  const outcome = new Promise((resolve) => {
    socket.once('data', () => resolve('answered'));
    socket.on('error', () => {}); // FIN or RST: the kernel says which
    socket.once('close', () => resolve('closed'));
  });
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  return { socket, outcome };
}

function serve(tell) {
  const { createServer } = require(specifier);
  const seen = { connection: 0, drop: 0, request: 0 };
  const server = createServer((req, res) => res.end('x'));
  for (const event of Object.keys(seen)) server.on(event, () => seen[event]++);
  server.maxConnections = 1;
  if (what === 'drop') server.dropMaxConnection = true;
  server.listen(0, '127.0.0.1', () => tell(server.address().port));
  return { server, seen };
}

async function play(port) {
  const clients = [];
  for (let i = 0; i < WORKERS; i++) {
    clients.push(ask(port));
    await clients[i].outcome;
  }
  const late = ask(port);
  // In turns the primary offers what a worker refuses to the other one, until one has room; or it is closed.
  if (policy === 'rr' && what === 'keep') clients[0].socket.destroy();
  const answers = [...await Promise.all(clients.map(({ outcome }) => outcome)), await late.outcome];
  for (const { socket } of [...clients, late]) socket.destroy();
  return answers;
}

async function alone() {
  let tell;
  const listening = new Promise((resolve) => { tell = resolve; });
  const { server, seen } = serve(tell);
  const answers = await play(await listening);
  server.close(() => console.log(JSON.stringify({ answers, seen })));
}

async function primary() {
  const workers = Array.from({ length: WORKERS }, () => cluster.fork());
  const next = (worker) => new Promise((resolve) => worker.once('message', resolve));
  const [port] = await Promise.all(workers.map(next));
  const answers = await play(port);
  const seen = { connection: 0, drop: 0, request: 0 };
  for (const worker of workers) {
    const told = next(worker);
    worker.send('end');
    for (const [event, n] of Object.entries(await told)) seen[event] += n;
    worker.kill();
  }
  console.log(JSON.stringify({ answers, seen }));
}

function work() {
  const { server, seen } = serve((port) => process.send(port));
  process.once('message', () => server.close(() => process.send(seen)));
}

if (policy === 'alone') alone();
else if (cluster.isPrimary) primary();
else work();
