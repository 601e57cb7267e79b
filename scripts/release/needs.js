'use strict';

// What the binary of each platform may need of the system that loads it. The pages and packages say so; `npm run
// release:check` fails a binary that needs more.

const { glibcNeeded, newer, objdumpImports, readBinary } = require('./binary.js');
const { Failure } = require('./run.js');
const { OLDEST, find } = require('../targets.js');

/** What of the oldest musl the binaries import: each name was looked up there. */
const MUSL = new Set(require('./musl-1.2.3.json'));

/** Parts of the system; MinGW's C library (msvcrt) is one, that of Visual C++ (vcruntime140) is not. */
const WINDOWS_LIBRARIES = /^(kernel32|ntdll|ws2_32|advapi32|userenv|bcryptprimitives|bcrypt|msvcrt|ucrtbase|api-ms-win-[\w-]+)\.dll$/i;

/** By this Node starts an addon. */
const ENTRY = 'napi_register_module_v1';

function checkGlibc(binary, told) {
  const needed = glibcNeeded(binary);
  if (newer(needed, OLDEST.glibc)) throw new Failure(`it needs glibc ${needed}, not ${OLDEST.glibc}`);
  if (told && glibcNeeded({ imports: told }) !== needed) throw new Failure(`objdump tells another glibc than ${needed}`);
  return `glibc ${needed}`;
}

function checkMusl({ imports }) {
  const unknown = imports.filter(({ name, weak }) => !weak && !MUSL.has(name)).map(({ name }) => name);
  if (unknown.length > 0) {
    throw new Failure(`it imports ${unknown.join(', ')}: if musl ${OLDEST.musl} has them, add them to scripts/release/musl-1.2.3.json`);
  }
  return `musl ${OLDEST.musl}`;
}

function checkLinux(platform, binary, file) {
  const told = objdumpImports(file);
  const names = (imports) => imports.map(({ name }) => name).sort().join();
  if (told && names(told) !== names(binary.imports)) throw new Failure(`objdump tells other imports: ${names(told)}`);
  const needed = platform.endsWith('gnu') ? checkGlibc(binary, told) : checkMusl(binary);
  return `${needed}${told ? ', and objdump says so' : ''}`;
}

function checkMacOS({ cpu, imports, libraries, needs, signed }) {
  if (newer(needs, OLDEST.darwin[cpu])) throw new Failure(`it needs macOS ${needs}, not ${OLDEST.darwin[cpu]}`);
  const elsewhere = libraries.filter((name) => !name.startsWith('/usr/lib/'));
  if (elsewhere.length > 0) throw new Failure(`it needs ${elsewhere.join(', ')}, which macOS does not have`);
  // Node's own functions are looked up at run time: nothing is left for the loader to find in the process.
  const foreign = imports.filter(({ library }) => library !== '/usr/lib/libSystem.B.dylib');
  if (foreign.length > 0) throw new Failure(`it imports ${foreign.map(({ name, library }) => `${name} of ${library}`).join(', ')}`);
  // On these processors the kernel ends a process that runs other code.
  if (cpu === 'arm64' && !signed) throw new Failure('it has no signature that holds');
  return `macOS ${needs} and libSystem`;
}

function checkWindows({ libraries, needs }) {
  if (newer(needs, OLDEST.win32)) throw new Failure(`it needs Windows ${needs}, not ${OLDEST.win32}`);
  const foreign = libraries.filter((name) => !WINDOWS_LIBRARIES.test(name));
  if (foreign.length > 0) throw new Failure(`it needs ${foreign.join(', ')}, which Windows does not have`);
  const names = [...new Set(libraries.map((name) => name.toLowerCase()))];
  return `Windows ${OLDEST.win32} and of its libraries ${names.join(', ')}`;
}

/** What the binary of a platform needs, in words. Fails if that is more than may be, or if Node cannot start it. */
function checkNeeds(platform, file) {
  const binary = readBinary(file);
  const { os, cpu } = find(platform);
  try {
    if (binary.os !== os || binary.cpu !== cpu) throw new Failure(`it is for ${binary.os}-${binary.cpu}`);
    if (!binary.exports.includes(ENTRY)) throw new Failure(`it does not export ${ENTRY}`);
    if (os === 'linux') return checkLinux(platform, binary, file);
    return os === 'darwin' ? checkMacOS(binary) : checkWindows(binary);
  } catch (error) {
    throw new Failure(`the binary of ${platform}: ${error.message}`);
  }
}

module.exports = { checkNeeds };
