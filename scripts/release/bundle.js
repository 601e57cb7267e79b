'use strict';

// Makes one file, lib/bundle.js, of the modules that are loaded with the package, because Node takes longer to find and
// read sixty files than to run them. The text of a module does not change, except for the paths in its `require`.

const fs = require('node:fs');
const path = require('node:path');

/** Modules that are loaded with the package, and that load the others. */
const ROOTS = ['implementation.js', 'host/probes.js', 'server/index.js', 'reexport.js'];
const BUNDLE = 'bundle.js';

const ANY_REQUIRE = /\brequire\('(\.[^']*)'\)/g;
/** A module loads another one at once by a `require` that is not indented. */
const REQUIRE_AT_ONCE = /^(?=\S).*\brequire\('(\.[^']*)'\)/gm;

/** The file that `require(request)` loads in `file`. */
function resolve(file, request) {
  const base = path.resolve(path.dirname(file), request);
  return [base, `${base}.js`, path.join(base, 'index.js')]
    .find((name) => fs.statSync(name, { throwIfNoEntry: false })?.isFile());
}

function read(file) {
  return fs.readFileSync(file, 'utf8');
}

/** Adds the files that `file` loads at once to a set, and `file`. */
function collect(file, found) {
  if (found.has(file)) return;
  found.add(file);
  for (const [, request] of read(file).matchAll(REQUIRE_AT_ONCE)) collect(resolve(file, request), found);
}

/** The path of a file in lib/, as in the text of a program. */
function nameOf(lib, file) {
  return path.relative(lib, file).split(path.sep).join('/');
}

/** The functions that are the modules, as the text of a program. */
function functionsOf(lib, files) {
  return [...files].map((file) => {
    const source = file.endsWith('.json') ? `module.exports = ${read(file)};\n` :
      read(file).replace(ANY_REQUIRE, (_, request) => {
        const wanted = resolve(file, request);
        return files.has(wanted) ? `bundled('${nameOf(lib, wanted)}')` : `require('./${nameOf(lib, wanted)}')`;
      });
    // V8 compiles a function in parentheses at once, and not only when it is called.
    return `\nmodules['${nameOf(lib, file)}'] = (function (module) {\n${source}});\n`;
  }).join('');
}

const LOADER = `'use strict';
// Modules of ferrohttp in one file, because that is loaded faster. The repository has each of them in a file of its own.

const modules = { __proto__: null };
const loaded = { __proto__: null };

/** As \`require\`, for the modules of this file. */
function bundled(name) {
  const known = loaded[name];
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  loaded[name] = module;
  try {
    modules[name](module);
  } catch (error) {
    delete loaded[name];
    throw error;
  }
  return module.exports;
}

module.exports = bundled;
`;

/** Every JavaScript file in a folder. */
function scripts(folder) {
  return fs.readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?js$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}

/**
 * Bundles lib/ of a copy of the package. A module that other files load keeps its file, which takes it from the bundle.
 * The files of the others are removed.
 */
function bundle(folder) {
  const lib = path.join(folder, 'lib');
  const files = new Set();
  for (const name of ROOTS) collect(path.join(lib, name), files);
  const text = `${LOADER}${functionsOf(lib, files)}`;
  const needed = new Set(scripts(folder).filter((file) => !files.has(file))
    .flatMap((file) => [...read(file).matchAll(ANY_REQUIRE)].map(([, request]) => resolve(file, request))));
  for (const file of files) {
    if (needed.has(file)) {
      const up = '../'.repeat(nameOf(lib, file).split('/').length - 1);
      fs.writeFileSync(file, `'use strict';\nmodule.exports = require('${up || './'}${BUNDLE}')('${nameOf(lib, file)}');\n`);
    } else {
      fs.rmSync(file);
    }
  }
  fs.writeFileSync(path.join(lib, BUNDLE), text);
}

module.exports = { bundle };
