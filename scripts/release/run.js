'use strict';

// Child processes of the release scripts.

const { spawn } = require('node:child_process');

/** An error whose message is enough for the user, without a stack. */
class Failure extends Error {}

/** Runs a program. Resolves with what it printed, or rejects with all of its output if it failed. */
function run(command, args, { cwd, env = process.env, timeout = 10 * 60_000 } = {}) {
  return new Promise((resolve, reject) => {
    const shell = process.platform === 'win32' && !command.endsWith('.exe');
    const child = spawn(command, args, { cwd, env, shell, timeout, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => { stdout += text; });
    child.stderr.setEncoding('utf8').on('data', (text) => { stderr += text; });
    child.on('error', (error) => reject(new Failure(`${command}: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(stdout);
      else reject(new Failure(`${[command, ...args].join(' ')} ended with ${signal ?? code}\n${stdout}${stderr}`.trim()));
    });
  });
}

/** Runs a script's main function. A Failure prints one message and sets the exit code to 1. */
function main(body) {
  body().catch((error) => {
    if (!(error instanceof Failure)) throw error;
    console.error(`ferrohttp: ${error.message}`);
    process.exitCode = 1;
  });
}

module.exports = { Failure, main, run };
