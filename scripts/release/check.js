'use strict';

// Installs the tarballs of `npm run release:pack` from a registry on loopback into empty projects, with each package
// manager and for each Node, without a compiler and without install scripts. Then it starts a server in each project
// and sends it a request. It also checks what each binary needs of its system (needs.js).

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { DIST, bindingManifest, packageName } = require('./pack.js');
const { checkNeeds } = require('./needs.js');
const { Registry } = require('./registry.js');
const { Failure, main, run } = require('./run.js');
const { unpack } = require('./tarball.js');
const commandLine = require('../command-line.js');
const { TARGETS } = require('../targets.js');
const { SYSTEMS, platformOf, systemNode } = require('../cross/systems.js');
const { CROSS, tool } = require('../cross/tools.js');
const { platform: host, binaryName } = require('../../lib/platform.js');
const { version } = require('../../package.json');

const MOST_PACKED = 200_000;
const MOST_INSTALLED = 2_500_000;

const LINES = ['20', '22', '24', '26'];

// ---- Package managers -------------------------------------------------------------------------------

const QUIET = { npm_config_update_notifier: 'false', npm_config_fund: 'false', npm_config_audit: 'false', CI: '1' };

const yarnrc = (registry, linker) => `
npmRegistryServer: "${registry}"
unsafeHttpWhitelist: ["127.0.0.1"]
nodeLinker: ${linker}
enableScripts: false
enableTelemetry: false
enableGlobalCache: false
enableImmutableInstalls: false
npmMinimalAgeGate: 0
pnpEnableEsmLoader: true
`;

/**
 * For each package manager: its package, program, arguments, the project's files, and the flags for Node to find
 * packages.
 */
const MANAGERS = {
  npm: {
    package: 'npm@10', program: 'npm/bin/npm-cli.js', args: ['install', '--ignore-scripts'],
    files: (registry) => ({ '.npmrc': `registry=${registry}\ncache=cache\n` }),
  },
  pnpm: {
    package: 'pnpm@10', program: 'pnpm/bin/pnpm.cjs', args: ['install', '--ignore-scripts'],
    files: (registry) => ({ '.npmrc': `registry=${registry}\nstore-dir=store\ncache-dir=cache\n` }),
  },
  yarn: {
    package: 'yarn@1', program: 'yarn/bin/yarn.js', args: ['install', '--ignore-scripts', '--cache-folder', 'cache'],
    files: (registry) => ({ '.npmrc': `registry=${registry}\n`, '.yarnrc': `registry "${registry}"\n` }),
    // It downloads the packages of all systems, and then installs only those that fit.
    downloadsAll: true,
  },
  'yarn-berry': {
    package: '@yarnpkg/cli-dist@4', program: '@yarnpkg/cli-dist/bin/yarn.js', args: ['install'],
    files: (registry) => ({ '.yarnrc.yml': yarnrc(registry, 'node-modules'), 'yarn.lock': '' }),
  },
  'yarn-pnp': {
    package: '@yarnpkg/cli-dist@4', program: '@yarnpkg/cli-dist/bin/yarn.js', args: ['install'],
    files: (registry) => ({ '.yarnrc.yml': yarnrc(registry, 'pnp'), 'yarn.lock': '' }),
    node: { 'app.cjs': ['-r', './.pnp.cjs'], 'app.mjs': ['-r', './.pnp.cjs', '--loader', './.pnp.loader.mjs'] },
  },
};

/** The folder into which the package managers are installed, each in the version above. */
async function managers() {
  const folder = path.join(CROSS, 'managers');
  if (!fs.existsSync(folder)) {
    const packages = new Set(Object.values(MANAGERS).map((manager) => manager.package));
    const incoming = `${folder}.${process.pid}`;
    fs.mkdirSync(incoming, { recursive: true });
    await run('npm', ['install', '--prefix', incoming, '--no-save', '--ignore-scripts', ...packages]);
    fs.renameSync(incoming, folder);
  }
  return path.join(folder, 'node_modules');
}

/**
 * The command that runs Node for musl on a system with another C library. Package managers learn the C library from the
 * system's `ldd`, so the command hides this system's `ldd` behind that of musl, in a mount namespace.
 */
function withMusl(node, args) {
  const file = path.join(CROSS, 'systems/musl-ldd');
  fs.writeFileSync(file, 'musl libc\n');
  const own = process.getuid() === 0 ? '-m' : '-rm';
  return [tool('unshare'), [own, '/bin/sh', '-c', `/bin/mount --bind '${file}' /usr/bin/ldd && exec "$@"`, 'sh', node, ...args]];
}

// ---- Projects ---------------------------------------------------------------------------------------

const PLAIN = "const application = (req, res) => res.end('served ' + req.url);";
const SERVE = `
const server = createServer(application);
server.listen(0, '127.0.0.1', async () => {
  const reply = await fetch('http://127.0.0.1:' + server.address().port + '/it');
  console.log(await reply.text());
  server.close();
  server.closeIdleConnections();
});
`;

function applications(express) {
  const use = (load) => (express ? `${load}\nconst application = express();\napplication.get('/it', (req, res) => res.send('served /it'));` : PLAIN);
  return {
    'app.cjs': `const { createServer } = require('ferrohttp');\n${use("const express = require('express');")}${SERVE}`,
    'app.mjs': `import { createServer } from 'ferrohttp';\n${use("import express from 'express';")}${SERVE}`,
  };
}

function size(folder) {
  if (!fs.existsSync(folder)) return 0;
  return fs.readdirSync(folder, { recursive: true }).map((name) => fs.statSync(path.join(folder, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

function checkDownloads({ downloads }, platform, { downloadsAll }) {
  const wanted = ['ferrohttp', packageName(platform)];
  const got = [...new Set(downloads)];
  if (!wanted.every((name) => got.includes(name)) || (!downloadsAll && got.length > wanted.length)) {
    throw new Failure(`downloaded ${got.join(', ')} instead of ${wanted.join(', ')}`);
  }
}

async function tryProject({ node, platform, name, folder, express }) {
  const manager = MANAGERS[name];
  const project = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-project-'));
  const registry = await Registry.open(folder, {
    // Some managers fetch the manifests of all platforms before they choose one.
    manifests: TARGETS.map(bindingManifest),
    upstream: express && (await run('npm', ['config', 'get', 'registry'])).trim(),
  });
  try {
    const dependencies = { ferrohttp: version, ...(express && { express: '^5' }) };
    const files = {
      'package.json': JSON.stringify({ private: true, dependencies }),
      ...manager.files(registry.url),
      ...applications(express),
    };
    for (const [file, content] of Object.entries(files)) fs.writeFileSync(path.join(project, file), content);
    // Only Node is on the PATH.
    const env = { ...QUIET, PATH: path.dirname(node), HOME: project, TMPDIR: os.tmpdir() };
    const options = { cwd: project, env };
    const install = [path.join(await managers(), manager.program), ...manager.args];
    const foreign = platform.endsWith('musl') && !host.endsWith('musl');
    await run(...(foreign ? withMusl(node, install) : [node, install]), options);
    checkDownloads(registry, platform, manager);
    for (const file of ['app.cjs', 'app.mjs']) {
      const said = await run(node, [...(manager.node?.[file] ?? []), file], options);
      if (said !== 'served /it\n') throw new Failure(`${file} said ${said}`);
    }
    if (name === 'npm') {
      const installed = size(path.join(project, 'node_modules/ferrohttp')) + size(path.join(project, 'node_modules/@ferrohttp'));
      checkInstalled(installed);
    }
  } finally {
    registry.close();
    fs.rmSync(project, { recursive: true, force: true });
  }
}

// ---- Binaries ---------------------------------------------------------------------------------------

const tarballOf = (folder, platform) => path.join(folder, `ferrohttp-binding-${platform}-${version}.tgz`);

/** Unpacks a tarball into a folder, for as long as `use(folder)` takes. */
function unpacked(tarball, use) {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-binary-'));
  try {
    unpack(tarball, work);
    return use(work);
  } finally {
    fs.rmSync(work, { recursive: true });
  }
}

function checkInstalled(bytes) {
  if (bytes > MOST_INSTALLED) throw new Failure(`${bytes} bytes are installed, more than ${MOST_INSTALLED}`);
}

/**
 * Checks every binary that is there, including those that cannot run on this machine, and says how much is installed
 * with it.
 */
function checkBinaries(folder, own) {
  const others = unpacked(own, size);
  for (const { platform } of TARGETS) {
    const tarball = tarballOf(folder, platform);
    if (!fs.existsSync(tarball)) continue;
    unpacked(tarball, (work) => {
      const needs = checkNeeds(platform, path.join(work, binaryName(platform)));
      const installed = others + size(work);
      checkInstalled(installed);
      console.log(`ok ${platform}: the binary needs ${needs}; ${installed} bytes are installed`);
    });
  }
}

const USAGE = `npm run release:check -- [options]
  installs what npm run release:pack made into empty projects, and sends a request to a server in each
  --packages FOLDER  where the tarballs are, dist/packages by default
  --system NAME      where Node runs, this machine by default:
                     ${commandLine.wrapped(Object.keys(SYSTEMS), 21)}
  --node LINE        a release line of Node; ${LINES.join(', ')} by default
  --manager NAME     a package manager; all by default:
                     ${commandLine.wrapped(Object.keys(MANAGERS), 21)}
  --express          serves an Express application, which is installed from the registry that npm is set up for
  --own-node         only on the Node that runs this: a container may not be able to fetch another one
--system, --node and --manager may be given several times.`;

main(async () => {
  const { values: options } = commandLine(USAGE, {
    packages: { type: 'path', default: path.join(DIST, 'packages') },
    system: { type: 'string', multiple: true, default: [host], choices: [...new Set([...Object.keys(SYSTEMS), host])] },
    node: { type: 'string', multiple: true, default: LINES },
    manager: { type: 'string', multiple: true, default: Object.keys(MANAGERS), choices: Object.keys(MANAGERS) },
    express: { type: 'boolean', default: false },
    'own-node': { type: 'boolean', default: false },
  });
  const folder = path.resolve(options.packages);
  const own = path.join(folder, `ferrohttp-${version}.tgz`);
  const packed = fs.statSync(own).size;
  if (packed > MOST_PACKED) throw new Failure(`the main package has ${packed} bytes, more than ${MOST_PACKED}`);
  checkBinaries(folder, own);
  let checks = 0;
  for (const system of options.system) {
    const platform = platformOf(system);
    const tarball = tarballOf(folder, platform);
    if (!fs.existsSync(tarball)) throw new Failure(`${tarball} is missing: npm run cross -- ${platform} && npm run release:pack`);
    for (const line of options['own-node'] ? [process.versions.node] : options.node) {
      const node = options['own-node'] ? process.execPath : await systemNode(system, line);
      for (const name of options.manager) {
        try {
          await tryProject({ node, platform, name, folder, express: options.express });
        } catch (error) {
          throw new Failure(`${system}, Node ${line}, ${name}: ${error.message}`);
        }
        console.log(`ok ${system}, Node ${line}, ${name}${options.express ? ', Express' : ''}: installed and served`);
        checks++;
      }
    }
  }
  console.log(`\n${checks} passed, 0 failed`);
});
