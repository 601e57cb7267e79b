'use strict';

// Packs an application that uses ferrohttp in each way that docs/installation.md describes, moves the result to a
// folder without packages, and sends it a request. It takes the packages for this machine that `npm run release:pack`
// has made.

const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { DIST } = require('./pack.js');
const { Registry } = require('./registry.js');
const { Failure, main, run } = require('./run.js');
const commandLine = require('../command-line.js');
const { CROSS } = require('../cross/tools.js');
const { binaryName, platform } = require('../../lib/platform.js');
const { version } = require('../../package.json');

const TOOLS = ['esbuild@0.28', 'webpack@5', '@vercel/nft@1', 'postject@1.0.0-alpha.6', 'next@16', 'react@19', 'react-dom@19'];

const APPLICATION = `
const { createServer } = require('ferrohttp');
const server = createServer((req, res) => res.end('served ' + req.url));
server.listen(0, '127.0.0.1', async () => {
  const reply = await fetch('http://127.0.0.1:' + server.address().port + '/it');
  console.log(await reply.text());
  server.close();
  server.closeIdleConnections();
});
`;

const NEXT = {
  'package.json': JSON.stringify({ private: true, dependencies: { ferrohttp: version, next: '*', react: '*', 'react-dom': '*' } }),
  'next.config.js': "module.exports = { output: 'standalone', serverExternalPackages: ['ferrohttp'], outputFileTracingRoot: __dirname };",
  'pages/api/it.js': `
import http from 'node:http';
import { createServer } from 'ferrohttp';
export default function handler(req, res) {
  res.send(http.createServer === createServer ? 'served /it' : 'served by http.Server');
}
`,
  // The server would run for ever, so the program ends it.
  'app.js': `
require('ferrohttp/register');
const net = require('node:net');
const free = net.createServer().listen(0, '127.0.0.1', () => {
  const { port } = free.address();
  free.close(async () => {
    Object.assign(process.env, { PORT: String(port), HOSTNAME: '127.0.0.1' });
    console.log = () => {};
    require('./server.js');
    for (;;) {
      const reply = await fetch('http://127.0.0.1:' + port + '/api/it').catch(() => undefined);
      if (reply === undefined) continue;
      process.stdout.write(await reply.text() + '\\n', () => process.exit());
      break;
    }
  });
});
`,
};

/** The folder into which the tools are installed once. */
async function tools() {
  const list = crypto.createHash('sha256').update(TOOLS.join()).digest('hex').slice(0, 8);
  const folder = path.join(CROSS, `bundlers-${list}`);
  if (!fs.existsSync(folder)) {
    const incoming = `${folder}.${process.pid}`;
    fs.mkdirSync(incoming, { recursive: true });
    await run('npm', ['install', '--prefix', incoming, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', ...TOOLS]);
    fs.renameSync(incoming, folder);
  }
  return path.join(folder, 'node_modules');
}

async function project(folder) {
  const registry = await Registry.open(path.join(DIST, 'packages'));
  try {
    fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: { ferrohttp: version } }));
    fs.writeFileSync(path.join(folder, 'app.js'), APPLICATION);
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--registry', registry.url], { cwd: folder });
  } finally {
    registry.close();
  }
}

const binding = (folder) => path.join(folder, `node_modules/@ferrohttp/binding-${platform}`, binaryName());

async function expectServed(command, args, cwd) {
  const said = await run(command, args, { cwd, env: { PATH: '' } });
  if (said !== 'served /it\n') throw new Failure(`it said ${said}`);
}

// Each function gets the project and an empty folder. It fills the folder so that `node app.js` in it serves, or
// returns the command that serves.
const WAYS = {
  async 'esbuild, ferrohttp external'({ from, to, modules }) {
    const { build } = require(path.join(modules, 'esbuild'));
    await build({
      entryPoints: [path.join(from, 'app.js')], outfile: path.join(to, 'app.js'), bundle: true, platform: 'node',
      external: ['ferrohttp'], logLevel: 'silent',
    });
    fs.cpSync(path.join(from, 'node_modules'), path.join(to, 'node_modules'), { recursive: true });
  },

  async 'esbuild, everything in the bundle, the binary copied by its loader'({ from, to, modules }) {
    const { build } = require(path.join(modules, 'esbuild'));
    await build({
      entryPoints: [path.join(from, 'app.js')], outdir: to, bundle: true, platform: 'node',
      loader: { '.node': 'copy' }, logLevel: 'silent',
    });
  },

  async 'webpack, ferrohttp external'({ from, to, modules }) {
    await webpack(modules, from, to, { externals: { ferrohttp: 'commonjs ferrohttp' } });
    fs.cpSync(path.join(from, 'node_modules'), path.join(to, 'node_modules'), { recursive: true });
  },

  async 'webpack, everything in the bundle, the binary beside it'({ from, to, modules }) {
    await webpack(modules, from, to, {
      externals: [({ request }, done) => (request.startsWith('@ferrohttp/') ? done(null, `commonjs ${request}`) : done())],
      node: { __dirname: false },
    });
    fs.copyFileSync(binding(from), path.join(to, binaryName()));
  },

  // Next's own server runs on ferrohttp, and one of its routes uses it.
  async 'Next, standalone output'({ from, to, modules }) {
    const work = path.join(from, 'next');
    for (const source of [modules, path.join(from, 'node_modules')]) {
      fs.cpSync(source, path.join(work, 'node_modules'), { recursive: true, verbatimSymlinks: true });
    }
    for (const [name, text] of Object.entries(NEXT)) {
      fs.mkdirSync(path.dirname(path.join(work, name)), { recursive: true });
      fs.writeFileSync(path.join(work, name), text);
    }
    const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', CI: '1' };
    await run(process.execPath, ['node_modules/next/dist/bin/next', 'build'], { cwd: work, env });
    fs.cpSync(path.join(work, '.next/standalone'), to, { recursive: true, verbatimSymlinks: true });
    fs.copyFileSync(path.join(work, 'app.js'), path.join(to, 'app.js'));
  },

  // The builds of Vercel and Netlify do this.
  async 'traced files'({ from, to, modules }) {
    const { nodeFileTrace } = require(path.join(modules, '@vercel/nft'));
    const { fileList } = await nodeFileTrace([path.join(from, 'app.js')], { base: from });
    for (const name of fileList) {
      fs.mkdirSync(path.dirname(path.join(to, name)), { recursive: true });
      fs.copyFileSync(path.join(from, name), path.join(to, name));
    }
  },

  async 'a single executable, the binary beside it'({ from, to, modules }) {
    const { build } = require(path.join(modules, 'esbuild'));
    const work = path.join(from, 'sea');
    await build({
      entryPoints: [path.join(from, 'app.js')], outfile: path.join(work, 'app.js'), bundle: true, platform: 'node',
      external: ['@ferrohttp/*'], logLevel: 'silent',
    });
    const config = path.join(work, 'sea.json');
    const blob = path.join(work, 'blob');
    fs.writeFileSync(config, JSON.stringify({ main: path.join(work, 'app.js'), output: blob, disableExperimentalSEAWarning: true }));
    await run(process.execPath, ['--experimental-sea-config', config]);
    const executable = path.join(to, process.platform === 'win32' ? 'app.exe' : 'app');
    fs.copyFileSync(process.execPath, executable);
    fs.chmodSync(executable, 0o755);
    await run(process.execPath, [
      path.join(modules, 'postject/dist/cli.js'), executable, 'NODE_SEA_BLOB', blob,
      '--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2', ...(process.platform === 'darwin' ? ['--macho-segment-name', 'NODE_SEA'] : []),
    ]);
    fs.copyFileSync(binding(from), path.join(to, binaryName()));
    return [executable, []];
  },

  // The modules of a layer are on NODE_PATH, and the function is in a folder of its own.
  async 'the layout of AWS Lambda, with a layer'({ from, to }) {
    const layer = path.join(to, 'opt/nodejs');
    const task = path.join(to, 'var/task');
    fs.cpSync(path.join(from, 'node_modules'), path.join(layer, 'node_modules'), { recursive: true });
    fs.mkdirSync(task, { recursive: true });
    fs.copyFileSync(path.join(from, 'app.js'), path.join(task, 'app.js'));
    const script = `process.env.NODE_PATH = ${JSON.stringify(path.join(layer, 'node_modules'))};
      require('module').Module._initPaths(); require(${JSON.stringify(path.join(task, 'app.js'))});`;
    return [process.execPath, ['-e', script]];
  },
};

function webpack(modules, from, to, options) {
  const compile = require(path.join(modules, 'webpack'));
  return new Promise((resolve, reject) => {
    compile({
      mode: 'production', target: 'node', context: from, entry: './app.js', output: { path: to, filename: 'app.js' }, ...options,
    }, (error, stats) => {
      if (error || stats.hasErrors()) reject(new Failure(error?.message ?? stats.toString({ all: false, errors: true })));
      else resolve();
    });
  });
}

const USAGE = `npm run release:bundlers -- [WORD ...]
  packs an application in each way that docs/installation.md describes, and sends a request to the result
  WORD  only the ways whose names contain one of these:
        ${Object.keys(WAYS).join('\n        ')}`;

main(async () => {
  const { positionals: words, wrong } = commandLine(USAGE, {}, ['[WORD ...]']);
  const chosen = Object.entries(WAYS).filter(([name]) => words.length === 0 || words.some((word) => name.includes(word)));
  if (chosen.length === 0) wrong(`no way has ${words.join(' or ')} in its name`);
  const modules = await tools();
  const from = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-bundle-'));
  let passed = 0;
  try {
    await project(from);
    for (const [name, way] of chosen) {
      const to = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-bundled-'));
      try {
        const [command, args] = await way({ from, to, modules }) ?? [process.execPath, ['app.js']];
        await expectServed(command, args, to);
      } catch (error) {
        throw new Failure(`${name}: ${error.message}`);
      } finally {
        fs.rmSync(to, { recursive: true, force: true });
      }
      console.log(`ok ${name}`);
      passed++;
    }
  } finally {
    fs.rmSync(from, { recursive: true, force: true });
  }
  console.log(`\n${passed} passed, 0 failed`);
});
