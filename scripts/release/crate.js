'use strict';

// The crates as @ferrohttp/source has them: without tests and benches, and without the crates that only those need,
// which are not in the package. Cargo refuses manifests that name files or crates which are not there, and with
// `--locked` a lock file that lists crates which nothing needs.

/** A manifest without development dependencies, benches and examples, and with the members that are there. */
function manifest(toml, members) {
  const tables = toml.split(/^(?=\[)/m);
  return tables
    .filter((table) => !/^\[dev-dependencies\]|^\[\[(bench|example|test)\]\]/.test(table))
    .map((table) => (table.startsWith('[workspace]') ? `[workspace]\nmembers = ${JSON.stringify(members)}\n\n` : table))
    .join('');
}

/** The names under `[dev-dependencies]` that no other table of dependencies has. */
function developmentOnly(toml) {
  const names = (pattern) => toml.split(/^(?=\[)/m).filter((table) => pattern.test(table))
    .flatMap((table) => [...table.matchAll(/^([\w-]+) *=/gm)].map(([, name]) => name));
  const needed = new Set(names(/^\[(?!dev-)(.*\.)?(build-)?dependencies\]/));
  return names(/^\[dev-dependencies\]/).filter((name) => !needed.has(name));
}

/** The lock file with what the members' manifests (by crate name) still need. */
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
    // A version stands there only where two of them are in the file.
    const [name, version] = dependency.split(' ');
    const entry = entries.find((other) => other.name === name && (version === undefined || other.version === version));
    if (kept.has(entry)) return;
    kept.add(entry);
    entry.dependencies.forEach(keep);
  };
  Object.keys(manifests).forEach(keep);
  // What follows the last block would be lost with it; Cargo puts nothing there.
  return head + entries.filter((entry) => kept.has(entry)).map(({ text }) => `${text.trimEnd()}\n\n`).join('').trimEnd() + '\n';
}

module.exports = { lock, manifest };
