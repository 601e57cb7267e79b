'use strict';

// Makes a version: writes its number into every manifest, adds its section to the changelog, and makes a commit and a
// tag.
//
//   npm run release:version -- X.Y.Z [--date YYYY-MM-DD]
//   node scripts/release/version.js --notes     prints the changelog's section of the present version
//
// The date is today's (UTC) unless given.

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { Failure, main, run } = require('./run.js');

const ROOT = path.join(__dirname, '../..');
const CHANGELOG = 'CHANGELOG.md';
const UNRELEASED = '## [Unreleased]\n';

const read = (name) => fs.readFileSync(path.join(ROOT, name), 'utf8');

/** Replaces the only match in a file. */
function replace(name, pattern, text) {
  const before = read(name);
  if (!pattern.test(before)) throw new Failure(`${name} has no place for the version`);
  fs.writeFileSync(path.join(ROOT, name), before.replace(pattern, text));
}

/** The text under a heading of the changelog, up to the next heading. */
function section(changelog, heading) {
  const [, after] = changelog.split(heading);
  return after?.split(/^## /m)[0].trim();
}

function releaseChangelog(changelog, version, date) {
  if (changelog.includes(`## [${version}]`)) throw new Failure(`${CHANGELOG} has a section ${version} already`);
  if (!section(changelog, UNRELEASED)) throw new Failure(`${CHANGELOG} has nothing under [Unreleased]`);
  return changelog.replace(UNRELEASED, `${UNRELEASED}\n## [${version}] - ${date}\n`);
}

function setVersion(version) {
  replace('package.json', /(?<=^ {2}"version": ").*(?=")/m, version);
  // The root package is there twice: at the top, and as the package with the empty path.
  replace('package-lock.json', /(?<=^ {2}"version": ").*(?=")/m, version);
  replace('package-lock.json', /(?<=^ {4}"": \{\n {6}"name": "ferrohttp",\n {6}"version": ").*(?=")/m, version);
  replace('Cargo.toml', /(?<=^version = ").*(?=")/m, version);
  replace('Cargo.lock', /(?<=^name = "ferrohttp"\nversion = ").*(?=")/m, version);
}

async function release(version, date) {
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version ?? '')) throw new Failure('usage: npm run release:version -- X.Y.Z [--date YYYY-MM-DD]');
  const git = (...args) => run('git', args, { cwd: ROOT });
  if ((await git('status', '--porcelain')).trim() !== '') throw new Failure('commit or stash what is changed first');
  if ((await git('tag', '--list', `v${version}`)).trim() !== '') throw new Failure(`the tag v${version} is there already`);
  const changelog = releaseChangelog(read(CHANGELOG), version, date);
  fs.writeFileSync(path.join(ROOT, CHANGELOG), changelog);
  setVersion(version);
  await git('commit', '--all', '--message', version);
  await git('tag', '--annotate', `v${version}`, '--message', `v${version}`);
  console.log(`${version} is committed and tagged. \`git push --follow-tags\` publishes it (RELEASING.md).`);
}

function notes() {
  const { version } = JSON.parse(read('package.json'));
  const heading = new RegExp(`^## \\[${version.replaceAll('.', '\\.')}\\].*\\n`, 'm');
  const found = section(read(CHANGELOG), heading);
  if (!found) throw new Failure(`${CHANGELOG} has no section ${version}`);
  console.log(found);
}

main(async () => {
  const { values: options, positionals: [version] } = parseArgs({
    allowPositionals: true,
    options: { notes: { type: 'boolean' }, date: { type: 'string', default: new Date().toISOString().slice(0, 10) } },
  });
  if (options.notes) notes();
  else await release(version, options.date);
});
