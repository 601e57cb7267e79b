'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { BINARY } = require('../../scripts/build.js');
const { pack } = require('../../scripts/release/pack.js');
const tarball = require('../../scripts/release/tarball.js');
const { platform } = require('../../lib/platform.js');
const { version } = require('../../package.json');

const ROOT = path.join(__dirname, '../..');
// This folder is kept from run to run. It is not under target/, because cargo does not look for changes there.
const WORK = path.join(ROOT, 'node_modules/.cache/ferrohttp-test');

// npm leaves settings of the outer run in the environment.
function cleanEnvironment(changes) {
  const kept = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_TEST_CONTEXT$|^NODE_OPTIONS$/.test(name));
  return { ...Object.fromEntries(kept), ...changes };
}

// Runs a program to its end, whatever its exit code.
function run(command, args, { cwd = ROOT, env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: cleanEnvironment(env), stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => { stdout += chunk; });
    child.stderr.on('data', (chunk) => { stderr += chunk; });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

async function succeed(command, args, options) {
  const result = await run(command, args, options);
  if (result.code !== 0) {
    throw new Error(`${command} ${args.join(' ')} ended with ${result.code ?? result.signal}\n${result.stdout}${result.stderr}`);
  }
  return result.stdout;
}

// On Windows a binary that this process has loaded cannot be removed, so it stays in the temporary folder.
function remove(dir) {
  try {
    fs.rmSync(dir, { recursive: true, force: true });
  } catch (error) {
    if (process.platform !== 'win32' || !['EPERM', 'EBUSY', 'ENOTEMPTY'].includes(error.code)) throw error;
  }
}

function temporary(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-test-'));
  t.after(() => remove(dir));
  return dir;
}

// A PATH with Node in it, and no cargo.
function pathWithoutCargo(t) {
  const bin = path.join(temporary(t), 'bin');
  fs.mkdirSync(bin);
  if (process.platform === 'win32') fs.copyFileSync(process.execPath, path.join(bin, 'node.exe'));
  else fs.symlinkSync(process.execPath, path.join(bin, 'node'));
  return bin;
}

let packed;
// The folder with the tarballs as they are published, with the binary that was built here. It is made once in a
// process.
function packages() {
  packed ??= (async () => {
    const out = path.join(WORK, `packages-${process.pid}`);
    process.on('exit', () => fs.rmSync(out, { recursive: true, force: true }));
    await pack({ binaries: { [platform]: BINARY }, out });
    return out;
  })();
  return packed;
}

// Unpacks a published package into <dir>/node_modules.
async function unpack(dir, name = 'ferrohttp') {
  const folder = await packages();
  const prefix = `${name.replace('@', '').replace('/', '-')}-${version}`;
  const target = path.join(dir, 'node_modules', name);
  fs.rmSync(target, { recursive: true, force: true });
  tarball.unpack(path.join(folder, `${prefix}.tgz`), target);
  return target;
}

function get(port) {
  return new Promise((resolve, reject) => {
    http.get({ port, agent: false }, (res) => {
      let body = '';
      res.setEncoding('latin1').on('data', (text) => { body += text; }).on('end', () => resolve(body));
    }).on('error', reject);
  });
}

// Starts a server with `createServer`, sends it one request, and closes it.
async function serveOnce(createServer, reply) {
  const server = createServer((req, res) => res.end(reply));
  await new Promise((resolve, reject) => server.on('error', reject).listen(0, resolve));
  const body = await get(server.address().port);
  await new Promise((resolve) => server.close(resolve));
  return body;
}

module.exports = {
  BINARY, ROOT, WORK, get, packages, pathWithoutCargo, platform, run, serveOnce, succeed, temporary, unpack,
};
