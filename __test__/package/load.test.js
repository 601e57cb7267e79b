'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');
const { test } = require('node:test');
const vm = require('node:vm');
const { BINARY, ROOT, serveOnce, temporary } = require('./helpers.js');

// Loads the package's JavaScript as a test runner with isolated contexts does: it compiles each file in the context,
// and takes builtins and the addon from outside.
function loadInContext(context) {
  const modules = new Map();
  const load = (file) => {
    if (modules.has(file)) return modules.get(file).exports;
    const module = { exports: {} };
    modules.set(file, module);
    const outside = createRequire(file);
    const inside = (id) => {
      const found = outside.resolve(id);
      return path.isAbsolute(found) && !/\.(node|json)$/.test(found) ? load(found) : outside(id);
    };
    const source = fs.readFileSync(file, 'utf8');
    const names = ['module', 'exports', 'require', '__dirname', '__filename'];
    vm.compileFunction(source, names, { filename: file, parsingContext: context })(
      module, module.exports, inside, path.dirname(file), file);
    return module.exports;
  };
  return load(path.join(ROOT, 'index.js'));
}

function clearCache() {
  for (const file of Object.keys(require.cache)) {
    if (file.startsWith(ROOT) && !file.startsWith(__dirname)) delete require.cache[file];
  }
}

test('two copies of the package serve side by side', async (t) => {
  const copy = temporary(t);
  for (const name of ['package.json', 'index.js', 'lib', path.basename(BINARY)]) {
    fs.cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true });
  }
  const first = require('ferrohttp');
  const second = require(copy);
  assert.notStrictEqual(first.createServer, second.createServer);
  assert.deepStrictEqual(
    await Promise.all([serveOnce(first.createServer, 'first'), serveOnce(second.createServer, 'second')]),
    ['first', 'second']);
});

test('after the require cache was cleared the package loads anew, and the old load goes on', async () => {
  const first = require('ferrohttp');
  clearCache();
  const second = require('ferrohttp');
  assert.notStrictEqual(first.createServer, second.createServer);
  assert.deepStrictEqual(
    await Promise.all([serveOnce(first.createServer, 'first'), serveOnce(second.createServer, 'second')]),
    ['first', 'second']);
});

test('another vm context has a load of its own', async () => {
  const globals = { Buffer, URL, clearInterval, clearTimeout, console, process, queueMicrotask, setImmediate, setInterval, setTimeout };
  const context = vm.createContext({ ...globals });
  const inside = loadInContext(context);
  assert.notStrictEqual(inside.createServer, require('ferrohttp').createServer);
  assert.deepStrictEqual(
    await Promise.all([serveOnce(inside.createServer, 'inside'), serveOnce(require('ferrohttp').createServer, 'outside')]),
    ['inside', 'outside']);
});
