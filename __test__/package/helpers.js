'use strict';

const { spawn, execFileSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');

const ROOT = path.join(__dirname, '../..');
// Kept from run to run. Not under target/, whose contents cargo does not check for changes.
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

function temporary(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-test-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

// A PATH with Node in it, and no cargo.
function pathWithoutCargo(t) {
  const bin = path.join(temporary(t), 'bin');
  fs.mkdirSync(bin);
  fs.symlinkSync(process.execPath, path.join(bin, 'node'));
  return bin;
}

let packed;
// Path and hash of the package as `npm pack` makes it, once a process.
function pack() {
  packed ??= (async () => {
    const dir = path.join(WORK, `pack-${process.pid}`);
    fs.mkdirSync(dir, { recursive: true });
    await succeed('npm', ['pack', '--silent', '--pack-destination', dir]);
    const tarball = path.join(dir, fs.readdirSync(dir).find((name) => name.endsWith('.tgz')));
    process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
    return { tarball, hash: crypto.createHash('sha256').update(fs.readFileSync(tarball)).digest('hex') };
  })();
  return packed;
}

// Lays the packed package out as <dir>/node_modules/ferrohttp, without running its install script.
async function unpack(dir) {
  const { tarball } = await pack();
  const target = path.join(dir, 'node_modules/ferrohttp');
  fs.mkdirSync(target, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', target, '--strip-components', '1']);
  return target;
}

// The name of the binary that was built here.
function builtBinary() {
  return fs.readdirSync(ROOT).find((name) => /^ferrohttp\..*\.node$/.test(name));
}

function get(port) {
  return new Promise((resolve, reject) => {
    http.get({ port, agent: false }, (res) => {
      let body = '';
      res.setEncoding('latin1').on('data', (text) => { body += text; }).on('end', () => resolve(body));
    }).on('error', reject);
  });
}

// Starts a server of `createServer`, asks it once and closes it.
async function serveOnce(createServer, reply) {
  const server = createServer((req, res) => res.end(reply));
  await new Promise((resolve, reject) => server.on('error', reject).listen(0, resolve));
  const body = await get(server.address().port);
  await new Promise((resolve) => server.close(resolve));
  return body;
}

module.exports = { ROOT, WORK, builtBinary, get, pack, pathWithoutCargo, run, serveOnce, succeed, temporary, unpack };
