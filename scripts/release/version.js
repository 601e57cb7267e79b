'use strict';

// Makes a version: writes its number into every manifest, adds its section to the changelog, and makes a commit and a
// tag.

const fs = require('node:fs');
const path = require('node:path');
const { Failure, main, run } = require('./run.js');
const commandLine = require('../command-line.js');

const USAGE = `npm run release:version -- X.Y.Z [--date YYYY-MM-DD]
  makes this version: its number in every manifest, its section in the changelog, a commit and a tag
  --date   of the changelog, today (UTC) by default
  --notes  prints the changelog's section of the present version instead`;

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
  const { values: { notes: wanted, date }, positionals: [version], wrong } = commandLine(USAGE, {
    notes: { type: 'boolean' }, date: { type: 'string', default: new Date().toISOString().slice(0, 10) },
  }, ['[X.Y.Z]']);
  if (wanted) return notes();
  if (version === undefined) wrong('X.Y.Z is missing');
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) wrong(`'${version}' is no version`);
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) wrong(`'${date}' is no date`);
  return release(version, date);
});
