'use strict';

// Starts a benchmark server in a process of its own.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');

// How long a server may take to answer, in milliseconds.
const PATIENCE = 30_000;

exports.start = async function start(contestant, file, argv = [], { flags = [], env = {} } = {}) {
  const [command, ...before] = contestant.command;
  const script = path.join(__dirname, '..', 'servers', contestant.file || file);
  const child = spawn(command, contestant.bare ? before : [...before, ...flags, script, ...argv], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', ...contestant.env, ...env },
  });
  const waiting = [];
  const closed = new Promise((resolve) => { child.on('close', resolve); });
  const fail = (error) => waiting.splice(0).forEach(({ reject }) => reject(error));
  child.on('error', fail);
  closed.then((code) => fail(new Error(`${contestant.label} ${file} ended (${code})`)));
  readline.createInterface({ input: child.stdout })
    .on('line', (line) => waiting.shift()?.resolve(JSON.parse(line)));
  const answer = () => new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${contestant.label} ${file} does not answer`));
    }, PATIENCE);
    const settle = (how) => (value) => {
      clearTimeout(timer);
      how(value);
    };
    waiting.push({ resolve: settle(resolve), reject: settle(reject) });
  });
  const { port } = await answer();
  return {
    port,
    pid: child.pid,
    async ask(command) {
      child.stdin.write(`${command}\n`);
      return (await answer())[command];
    },
    memory: () => memory(child.pid),
    async stop() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await closed;
      clearTimeout(timer);
    },
  };
};

function memory(pid) {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'latin1');
  const kilobytes = (name) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))[1]);
  return { rss: kilobytes('VmRSS') * 1024, peak: kilobytes('VmHWM') * 1024 };
}
