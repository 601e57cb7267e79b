'use strict';

// argv: pipe | write, and the number of bytes.

const { Readable } = require('node:stream');
const { createServer, serve } = require('./common.js');

const [how, size] = [process.argv[2], Number(process.argv[3])];
const block = Buffer.alloc(64 * 1024, 'd');
const next = (left) => (left < block.length ? block.subarray(0, left) : block);

const ways = {
  pipe(res) {
    let left = size;
    new Readable({
      read() {
        if (left === 0) {
          this.push(null);
          return;
        }
        const chunk = next(left);
        left -= chunk.length;
        this.push(chunk);
      },
    }).pipe(res);
  },
  write(res) {
    let left = size;
    const fill = () => {
      while (left > 0) {
        const chunk = next(left);
        left -= chunk.length;
        if (!res.write(chunk)) {
          res.once('drain', fill);
          return;
        }
      }
      res.end();
    };
    fill();
  },
};

serve(createServer((req, res) => {
  res.setHeader('Content-Length', size);
  ways[how](res);
}));
