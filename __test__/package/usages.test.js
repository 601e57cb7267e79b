'use strict';
// Every script of the repository tells how it is called, when it is asked and when it is called wrongly
// (scripts/command-line.js). A script is what package.json runs, and what looks at its command line.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { patience } = require('../support/patience.js');

const ROOT = path.join(__dirname, '../..');
const FOLDERS = ['scripts', 'tools', 'bench', 'crates', '__test__/parity', '__test__/time'];
const AT_ONCE = 3;

/** Programs that other scripts start, which nobody calls. npm starts the last one, and gives it no words. */
const STARTED = [/^bench\/servers\//, /^bench\/lib\/loads\.js$/, /^tools\/reliability\/app\//, /^scripts\/release\/refuse\.js$/];
/** What reads or writes command lines for others. */
const HELPERS = ['scripts/command-line.js', 'scripts/cross/systems.js', 'tools/reliability/lib/options.js'];

function filesOf(folder) {
  return fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return ['node_modules', 'target'].includes(entry.name) ? [] : filesOf(name);
    return /\.m?js$/.test(entry.name) && !entry.name.includes('.test.') ? [name] : [];
  });
}

/** How each script may be called. The commands of package.json come before `node FILE`. */
function scripts() {
  const calls = new Map();
  const add = (file, ...said) => calls.set(file, [...(calls.get(file) ?? []), ...said]);
  for (const [name, command] of Object.entries(require('../../package.json').scripts)) {
    const [, named] = /^node (\S+)/.exec(command) ?? [];
    if (named === undefined || named.startsWith('examples/')) continue;
    const file = path.relative(ROOT, require.resolve(path.join(ROOT, named))).replaceAll(path.sep, '/');
    add(file, `npm run ${name}`, `npm ${name}`);
  }
  for (const file of FOLDERS.flatMap(filesOf)) {
    const looks = /\bprocess\.argv\b|\bparseArgs\b|\bcommandLine\(/.test(fs.readFileSync(path.join(ROOT, file), 'utf8'));
    if (looks && !HELPERS.includes(file)) add(file, `node ${file}`);
  }
  return [...calls].filter(([file]) => !STARTED.some((pattern) => pattern.test(file)));
}

/** Runs a script where it finds no other program, so that it cannot work if it overlooks a word. */
function run(...words) {
  return new Promise((resolve) => {
    const env = { ...process.env, PATH: '' };
    execFile(process.execPath, words, { cwd: ROOT, env, timeout: 30_000 * patience },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code ?? error.signal, stdout, stderr }));
  });
}

const begins = (text, calls) => calls.some((call) => text === call || [' ', '\n'].some((end) => text.startsWith(call + end)));

async function check([file, calls]) {
  const asked = await run(file, '--help');
  assert.deepStrictEqual([asked.code, asked.stderr], [0, ''], `${file} --help`);
  assert.ok(begins(asked.stdout, calls), `${file} --help does not begin with ${calls.join(' or ')}:\n${asked.stdout}`);
  const refused = await run(file, '--nonsense');
  assert.deepStrictEqual([refused.code, refused.stdout], [2, ''], `${file} --nonsense: ${refused.stderr}`);
  assert.strictEqual(refused.stderr, `Unknown option '--nonsense'\n\n${asked.stdout}`, `${file} --nonsense`);
}

const skip = process.env.FERROHTTP_TEST_FOREIGN && 'scripts are of the system outside';

test('every script tells its usage', { skip, concurrency: AT_ONCE }, async (t) => {
  const all = scripts();
  assert.ok(all.length > 25, `${all.length} scripts were found`);
  await Promise.all(all.map((script) => t.test(script[0], () => check(script))));
});

/** A script that prints what it made of its command line. */
const SCRIPT = `
const commandLine = require('./scripts/command-line.js');
const { values, positionals } = commandLine('USAGE', {
  number: { type: 'number', default: 5 },
  list: { type: 'list', default: ['a'], choices: ['a', 'b', 'c'] },
  several: { type: 'string', multiple: true, choices: ['a', 'b'] },
  json: { type: 'json' }, pattern: { type: 'pattern' }, path: { type: 'path' }, program: { type: 'program' }, yes: { type: 'boolean' },
}, ['NAME', '[WORD ...]']);
console.log(JSON.stringify({ ...values, pattern: values.pattern?.source, positionals }));`;

const script = (...words) => run('-e', SCRIPT, '--', ...words);

test('values are read by their types', async () => {
  const { code, stdout, stderr } = await script('name', '--number', '0.5', '--list', 'b,c', '--several', 'a', '--several', 'b',
    '--json', '{"x":1}', '--pattern', '^x', '--path', 'package.json', '--program', process.execPath, '--yes', 'word');
  assert.deepStrictEqual([code, stderr], [0, '']);
  assert.deepStrictEqual(JSON.parse(stdout), {
    number: 0.5, list: ['b', 'c'], several: ['a', 'b'], json: { x: 1 }, pattern: '^x', path: 'package.json',
    program: process.execPath, yes: true, positionals: ['name', 'word'],
  });
  assert.deepStrictEqual(JSON.parse((await script('name')).stdout), { number: 5, list: ['a'], positionals: ['name'] });
});

for (const [words, told] of [
  [[], 'NAME is missing'],
  [['name', '--number', 'x'], "--number must be a number, not 'x'"],
  [['name', '--number', ''], "--number must be a number, not ''"],
  [['name', '--number=-1'], "--number must be a number, not '-1'"],
  [['name', '--number', '-1'], "Option '--number' has no value, or one that begins with a dash"],
  [['name', '--list', 'a,d'], "--list cannot be 'd', it is one of a, b, c"],
  [['name', '--several', 'a', '--several', 'c'], "--several cannot be 'c', it is one of a, b"],
  [['name', '--json', '{'], "--json must be JSON, not '{'"],
  [['name', '--pattern', '('], "--pattern must be a regular expression, not '('"],
  [['name', '--path', 'none'], "--path must be a path that exists, not 'none'"],
  [['name', '--program', './none'], "--program must be a program that exists, not './none'"],
]) {
  test(`a wrong command line is refused: ${words.join(' ')}`, async () => {
    assert.deepStrictEqual(await script(...words), { code: 2, stdout: '', stderr: `${told}\n\nUSAGE\n` });
  });
}

test('a word too many is refused', async () => {
  const said = await run('-e', "require('./scripts/command-line.js')('USAGE', {}, ['[NAME]'])", '--', 'a', 'b');
  assert.deepStrictEqual(said, { code: 2, stdout: '', stderr: "Unexpected argument 'b'\n\nUSAGE\n" });
});
