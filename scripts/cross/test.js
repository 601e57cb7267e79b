'use strict';

// Runs the JavaScript tests on another system, with the binary that `npm run cross` built for it.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { install } = require('../build.js');
const commandLine = require('../command-line.js');
const { Failure, main } = require('../release/run.js');
const { ROOT } = require('./tools.js');
const { SYSTEMS, platformOf, systemNode } = require('./systems.js');
const { platform: host, binaryName } = require('../../lib/platform.js');

const USAGE = `npm run cross:test -- SYSTEM [--node LINE] [WORD ...]
  runs the JavaScript tests on another system, with the binary that npm run cross built for it
  SYSTEM       ${commandLine.wrapped(Object.keys(SYSTEMS), 15)}
  WORD         only the test files whose paths contain one of these
  --node LINE  the release line of Node, 24 by default`;

/**
 * Emulation takes at least ten times as long, so the tests wait longer. FERROHTTP_TEST_FOREIGN leaves out the
 * tests that use cargo or npm, because these are programs of this system.
 */
const FOREIGN = { FERROHTTP_TEST_PATIENCE: '20', FERROHTTP_TEST_FOREIGN: '1' };

main(async () => {
  const { values: { node: line }, positionals: [system, ...words], wrong } =
    commandLine(USAGE, { node: { type: 'string', default: '24' } }, ['SYSTEM', '[WORD ...]']);
  if (!Object.hasOwn(SYSTEMS, system)) wrong(`there is no system '${system}'`);
  const platform = platformOf(system);
  const built = path.join(ROOT, 'dist/binaries', binaryName(platform));
  if (!fs.existsSync(built)) throw new Failure(`${path.relative(ROOT, built)} is missing: npm run cross -- ${platform}`);
  install(built, binaryName(platform));
  const node = await systemNode(system, line);
  const env = { ...process.env, ...(platform !== host && FOREIGN) };
  // The script runs on that system as well, as it does in CI.
  const child = spawn(node, ['scripts/test.js', '--js', '--no-build', ...words], { cwd: ROOT, env, stdio: 'inherit' });
  child.on('close', (code) => { process.exitCode = code ?? 1; });
});
