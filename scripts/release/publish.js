'use strict';

// Publishes the tarballs of dist/packages, the main package last, because it depends on the others. What is published
// already is left out, so that a run which broke off can be repeated. `--dry-run` only says what would be done.

const fs = require('node:fs');
const path = require('node:path');
const { DIST } = require('./pack.js');
const { main, run } = require('./run.js');
const { readManifest } = require('./tarball.js');

async function isPublished(name, version) {
  // npm prints nothing for a version that is not there, and fails for a package that is not.
  return (await run('npm', ['view', `${name}@${version}`, 'version']).catch(() => '')).trim() === version;
}

main(async () => {
  const dry = process.argv.includes('--dry-run');
  const folder = path.join(DIST, 'packages');
  const packages = fs.readdirSync(folder).filter((file) => file.endsWith('.tgz')).map((file) => {
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
    // `latest` is what `npm install ferrohttp` takes: no prerelease.
    const tag = version.includes('-') ? 'next' : 'latest';
    const args = ['publish', tarball, '--access', 'public', '--tag', tag, '--ignore-scripts'];
    if (dry) console.log(`npm ${args.join(' ')} --provenance`);
    else await run('npm', [...args, '--provenance']);
    console.log(`${dry ? 'would publish' : 'published'} ${name}@${version}`);
  }
});
