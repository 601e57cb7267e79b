'use strict';

// A program of block-list.test.js: a worker whose server blocks an address, and a primary that connects from three.
//
//   node block-list-program.js none|rr option|property|late MODULE

const cluster = require('node:cluster');
const net = require('node:net');

const [, , policy, how, specifier] = process.argv;
const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.1', '127.0.0.3'];
cluster.schedulingPolicy = policy === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR;

/** What happens to a request from an address. */
function ask(port, localAddress) {
  return new Promise((resolve) => {
    const client = net.connect({ port, host: '127.0.0.1', localAddress });
    let text = '';
    client.on('data', (chunk) => { text += chunk; });
    client.on('error', () => {}); // FIN or RST: the kernel says which
    client.on('close', () => resolve(text.split('\r\n')[0]));
    client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  });
}

function primary() {
  const worker = cluster.fork();
  worker.once('message', async (port) => {
    const answers = [];
    for (const address of ADDRESSES) answers.push(await ask(port, address));
    worker.once('message', (seen) => {
      console.log(JSON.stringify({ answers, ...seen }));
      worker.kill();
    });
    worker.send('end');
  });
}

function serve() {
  const { createServer } = require(specifier);
  const blockList = new net.BlockList();
  blockList.addAddress('127.0.0.1');
  const seen = { connection: 0, drop: 0, request: 0 };
  const server = createServer(how === 'option' ? { blockList } : {});
  for (const event of Object.keys(seen)) server.on(event, () => seen[event]++);
  server.on('request', (req, res) => res.end('x'));
  if (how === 'property') server.blockList = blockList;
  server.listen(0, '127.0.0.1', () => {
    if (how === 'late') server.blockList = blockList;
    process.send(server.address().port);
  });
  process.once('message', () => {
    server.close(() => server.getConnections((err, open) => process.send({ seen, open })));
  });
}

if (cluster.isPrimary) primary();
else serve();
