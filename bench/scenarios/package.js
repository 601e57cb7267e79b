'use strict';

// The cost of loading the package, as it is published, and of the first server. The figures are the times in addition to
// those with node:http; a ratio would mean nothing.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { BINARY } = require('../../scripts/build.js');
const { install } = require('../../scripts/release/pack.js');
const { median } = require('../lib/stats.js');

const PROCESSES = 9;

/** How many ms it takes until the package is loaded, and until a server listens. */
function times(node, id) {
  const script = `const t = process.hrtime.bigint(); const passed = () => Number(process.hrtime.bigint() - t) / 1e6;
    const { createServer } = require(${JSON.stringify(id)}); const loaded = passed();
    const server = createServer().listen(0, () => { console.log(JSON.stringify([loaded, passed()])); server.close(); })`;
  const { stdout, stderr, status } = spawnSync(node, ['-e', script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

module.exports = [{
  name: 'package',
  title: "require('ferrohttp') and its binary",
  columns: ['httpMs', 'packageMs', 'extraMs', 'extraListenMs', 'binaryMb'],
  only: ['ferrohttp'],
  targets: [
    { what: "ms over require('http')", figure: 'extraMs', most: 12 },
    { what: 'MB of the binary', figure: 'binaryMb', most: 1.5 },
  ],
  async measure({ contestant }) {
    const [node] = contestant.command;
    const [http, own] = [[], []];
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-bench-'));
    try {
      const installed = install(folder);
      for (let i = 0; i < PROCESSES; i++) {
        http.push(times(node, 'http'));
        own.push(times(node, installed));
      }
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
    const [httpMs, packageMs] = [http, own].map((list) => median(list.map(([loaded]) => loaded)));
    const [httpListenMs, listenMs] = [http, own].map((list) => median(list.map(([, listens]) => listens)));
    return {
      figures: {
        httpMs,
        packageMs,
        extraMs: packageMs - httpMs,
        extraListenMs: listenMs - httpListenMs,
        binaryMb: fs.statSync(BINARY).size / 1e6,
      },
      doubts: [],
    };
  },
}];
