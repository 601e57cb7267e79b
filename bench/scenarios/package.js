'use strict';

// The cost of loading the package, as it is published. The figure is the time in addition to require('http'); a ratio
// would mean nothing.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { BINARY } = require('../../scripts/build.js');
const { install } = require('../../scripts/release/pack.js');
const { median } = require('../lib/stats.js');

const PROCESSES = 9;

function loadTime(node, id) {
  const script = `const t = process.hrtime.bigint(); require(${JSON.stringify(id)});
    console.log(Number(process.hrtime.bigint() - t) / 1e6)`;
  const { stdout, stderr, status } = spawnSync(node, ['-e', script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

module.exports = [{
  name: 'package',
  title: "require('ferrohttp') and its binary",
  columns: ['httpMs', 'packageMs', 'extraMs', 'binaryMb'],
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
        http.push(loadTime(node, 'http'));
        own.push(loadTime(node, installed));
      }
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
    return {
      figures: {
        httpMs: median(http),
        packageMs: median(own),
        extraMs: median(own) - median(http),
        binaryMb: fs.statSync(BINARY).size / 1e6,
      },
      doubts: [],
    };
  },
}];
