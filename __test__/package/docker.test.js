'use strict';

// Runs the Dockerfiles of examples/docker step by step, without a container engine. Each stage is a folder, COPY
// copies, RUN runs with the packages from a registry on loopback, and the command of the last stage is started and
// stopped.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { ROOT, get, packages, run, temporary } = require('./helpers.js');
const { Registry } = require('../../scripts/release/registry.js');

const CONTEXT = path.join(ROOT, 'examples');

/** Instructions as [word, rest], without comments. */
function parse(file) {
  return fs.readFileSync(path.join(CONTEXT, 'docker', file), 'utf8').split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => /^(\w+) (.*)$/.exec(line).slice(1));
}

/** Runs a Dockerfile in a folder; returns the last stage. */
async function build(file, folder, registry) {
  const stages = [];
  for (const [word, rest] of parse(file)) {
    const stage = stages.at(-1);
    const inside = (name) => path.join(stage.root, path.resolve(stage.workdir, name));
    switch (word) {
      case 'FROM': {
        const [image, , name] = rest.split(' ');
        const root = path.join(folder, String(stages.length));
        fs.mkdirSync(root);
        stages.push({ image, name, root, workdir: '/', env: {} });
        break;
      }
      case 'WORKDIR':
        stage.workdir = rest;
        fs.mkdirSync(inside('.'), { recursive: true });
        break;
      case 'ENV': {
        const [name, value] = rest.split('=');
        stage.env[name] = value;
        break;
      }
      case 'COPY': {
        const words = rest.split(' ');
        const [, from] = /^--from=(.*)$/.exec(words[0]) ?? [];
        const sources = words.slice(from ? 1 : 0, -1);
        const source = from === undefined ? CONTEXT : stages.find(({ name }) => name === from).root;
        for (const name of sources) {
          const target = words.at(-1).endsWith('/') ? path.join(words.at(-1), path.basename(name)) : words.at(-1);
          fs.cpSync(path.join(source, name), inside(target), { recursive: true });
        }
        break;
      }
      case 'RUN': {
        const [command, ...args] = rest.split(' ');
        const env = { ...stage.env, npm_config_registry: registry.url, npm_config_cache: path.join(folder, 'cache') };
        const { code, stderr } = await run(command, args, { cwd: inside('.'), env });
        assert.strictEqual(code, 0, stderr);
        break;
      }
      case 'CMD':
        stage.command = JSON.parse(rest);
        break;
      default:
        assert.ok(['USER', 'EXPOSE'].includes(word), word);
    }
  }
  return stages.at(-1);
}

const skip = process.env.FERROHTTP_TEST_FOREIGN && 'npm is of the system outside';

for (const file of ['Dockerfile', 'Dockerfile.alpine']) {
  test(`examples/docker/${file}, step by step: the server starts, answers and ends on SIGTERM`, { skip }, async (t) => {
    const registry = await Registry.open(await packages());
    t.after(() => registry.close());
    const stage = await build(file, temporary(t), registry);
    assert.deepStrictEqual([...new Set(parse(file).filter(([word]) => word === 'FROM').map(([, rest]) => rest.split(' ')[0]))],
      [stage.image], 'both stages have the same C library');
    const [command, ...args] = stage.command;
    assert.strictEqual(command, 'node');
    const child = spawn(process.execPath, args, {
      cwd: path.join(stage.root, stage.workdir), env: { ...process.env, ...stage.env, PORT: '0' },
    });
    t.after(() => child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    const [said] = await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), exited]);
    const [, port] = /^port (\d+)\n$/.exec(said) ?? assert.fail('the server did not start');
    assert.strictEqual(await get(port), 'hello\n');
    child.kill('SIGTERM');
    assert.deepStrictEqual(await exited, [0, null]);
  });
}
