'use strict';

// Publishes the tarballs of dist/packages. The main package comes last, because it depends on the others. Packages that
// are published already are left out, so that an interrupted run can be repeated.

const fs = require('node:fs');
const path = require('node:path');
const { DIST } = require('./pack.js');
const { Failure, main, run } = require('./run.js');
const { readManifest } = require('./tarball.js');
const commandLine = require('../command-line.js');

const USAGE = `node scripts/release/publish.js [--dry-run]
  publishes the tarballs of dist/packages, which npm run release:pack made
  --dry-run  only prints what would be done`;

async function isPublished(name, version) {
  // npm prints nothing if the version does not exist, and fails if the package does not exist.
  return (await run('npm', ['view', `${name}@${version}`, 'version']).catch(() => '')).trim() === version;
}

main(async () => {
  const { values: { 'dry-run': dry } } = commandLine(USAGE, { 'dry-run': { type: 'boolean' } });
  const folder = path.join(DIST, 'packages');
  const tarballs = fs.existsSync(folder) ? fs.readdirSync(folder).filter((file) => file.endsWith('.tgz')) : [];
  if (tarballs.length === 0) throw new Failure('nothing is packed: npm run release:pack');
  const packages = tarballs.map((file) => {
    const tarball = path.join(folder, file);
    const { name, version } = readManifest(fs.readFileSync(tarball));
    return { tarball, name, version };
  });
  packages.sort((a, b) => Number(a.name === 'ferrohttp') - Number(b.name === 'ferrohttp'));
  for (const { tarball, name, version } of packages) {
    if (!dry && await isPublished(name, version)) {
      console.log(`${name}@${version} is published already`);
      continue;
    }
    // `npm install ferrohttp` takes `latest`, so a prerelease gets another tag.
    const tag = version.includes('-') ? 'next' : 'latest';
    const args = ['publish', tarball, '--access', 'public', '--tag', tag, '--ignore-scripts'];
    if (dry) console.log(`npm ${args.join(' ')} --provenance`);
    else await run('npm', [...args, '--provenance']);
    console.log(`${dry ? 'would publish' : 'published'} ${name}@${version}`);
  }
});
