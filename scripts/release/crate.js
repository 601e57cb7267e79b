'use strict';

// Manifests and lock file for @ferrohttp/source, which has no tests and benches, nor the crates that only those need.
// Cargo refuses a manifest that names missing files or crates. With `--locked` it also refuses a lock file that lists
// crates which nothing needs.

/** A manifest without development dependencies, benches and examples, which lists only the members that are there. */
function manifest(toml, members) {
  const tables = toml.split(/^(?=\[)/m);
  return tables
    .filter((table) => !/^\[dev-dependencies\]|^\[\[(bench|example|test)\]\]/.test(table))
    .map((table) => (table.startsWith('[workspace]') ? `[workspace]\nmembers = ${JSON.stringify(members)}\n\n` : table))
    .join('');
}

/** The names that are in `[dev-dependencies]` and in no other table of dependencies. */
function developmentOnly(toml) {
  const names = (pattern) => toml.split(/^(?=\[)/m).filter((table) => pattern.test(table))
    .flatMap((table) => [...table.matchAll(/^([\w-]+) *=/gm)].map(([, name]) => name));
  const needed = new Set(names(/^\[(?!dev-)(.*\.)?(build-)?dependencies\]/));
  return names(/^\[dev-dependencies\]/).filter((name) => !needed.has(name));
}

/** The lock file, reduced to what the members' manifests (by crate name) still need. */
function lock(toml, manifests) {
  const [head, ...blocks] = toml.split(/^(?=\[\[package\]\]\n)/m);
  const entries = blocks.map((block) => {
    const field = (name) => new RegExp(`^${name} = "(.*)"$`, 'm').exec(block)?.[1];
    const name = field('name');
    const unneeded = manifests[name] === undefined ? [] : developmentOnly(manifests[name]);
    const listed = [...block.matchAll(/^ "([^"]+)",$/gm)].map(([, dependency]) => dependency);
    const dependencies = listed.filter((dependency) => !unneeded.includes(dependency.split(' ')[0]));
    let text = block;
    for (const dependency of listed) if (!dependencies.includes(dependency)) text = text.replace(` "${dependency}",\n`, '');
    text = text.replace('dependencies = [\n]\n', '');
    return { name, version: field('version'), dependencies, text };
  });
  const kept = new Set();
  const keep = (dependency) => {
    // A dependency has a version here only if the file has two versions of that crate.
    const [name, version] = dependency.split(' ');
    const entry = entries.find((other) => other.name === name && (version === undefined || other.version === version));
    if (kept.has(entry)) return;
    kept.add(entry);
    entry.dependencies.forEach(keep);
  };
  Object.keys(manifests).forEach(keep);
  // Text behind the last block would be lost with it, but Cargo writes none.
  return head + entries.filter((entry) => kept.has(entry)).map(({ text }) => `${text.trimEnd()}\n\n`).join('').trimEnd() + '\n';
}

module.exports = { lock, manifest };
