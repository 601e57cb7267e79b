'use strict';

// A server process for transfers: node transfer-server.js IMPLEMENTATION. It prints its port, and then for each line of
// its input the highest RSS so far, in MiB.

const crypto = require('node:crypto');
const { createServer } = require(process.argv[2]);

const BLOCK = Buffer.alloc(256 * 1024);
for (let i = 0; i < BLOCK.length; i++) BLOCK[i] = (i * 2654435761) >>> 24;

function download(req, res, size) {
  const hash = crypto.createHash('sha256');
  res.setHeader('Trailer', 'X-Sha256');
  let left = size;
  (function more() {
    while (left > 0) {
      const block = BLOCK.subarray(0, Math.min(left, BLOCK.length));
      hash.update(block);
      left -= block.length;
      if (!res.write(block)) return res.once('drain', more);
    }
    res.addTrailers({ 'X-Sha256': hash.digest('hex') });
    res.end();
  })();
}

function upload(req, res, pace) {
  const hash = crypto.createHash('sha256');
  let size = 0;
  req.on('data', (chunk) => {
    hash.update(chunk);
    size += chunk.length;
    // A reader that is slower than the client.
    if (pace && size % 16 === 0) {
      req.pause();
      setImmediate(() => req.resume());
    }
  });
  req.on('end', () => res.end(`${size} ${hash.digest('hex')}\n`));
}

const server = createServer((req, res) => {
  const { pathname, searchParams } = new URL(req.url, 'http://a');
  if (pathname === '/download') download(req, res, Number(searchParams.get('size')));
  else if (pathname === '/upload') upload(req, res, searchParams.has('slow'));
  else res.end(`${req.method} ${req.httpVersion} ${req.socket.remotePort}\n`);
});

server.listen(0, '127.0.0.1', () => console.log(server.address().port));

let highest = 0;
setInterval(() => { highest = Math.max(highest, process.memoryUsage.rss()); }, 20).unref();
process.stdin.on('data', () => {
  highest = Math.max(highest, process.memoryUsage.rss());
  console.log(Math.round(highest / 2 ** 20));
});
process.stdin.on('end', () => process.exit());
