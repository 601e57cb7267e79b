'use strict';
// The release lines of Node whose grammar the binary has, each with the llhttp of its newest release. Within a line the
// grammar has changed at llhttp 9.4.0, 9.4.2 and 9.4.3.

const RELEASES = new Map([
  [20, '9.3.1'],
  [22, '9.4.3'],
  [24, '9.4.3'],
  [26, '9.4.3'],
]);

/** The grammar of a release line, or of the Node that runs. */
function releaseOf(node) {
  if (node === undefined) {
    const { node: version, llhttp } = process.versions;
    return { node: Number(version.split('.', 1)[0]), llhttp: llhttp ?? '' };
  }
  const llhttp = RELEASES.get(node);
  if (llhttp === undefined) {
    const error = new RangeError(`The option node is one of ${[...RELEASES.keys()].join(', ')}. Received ${String(node)}`);
    error.code = 'ERR_INVALID_ARG_VALUE';
    throw error;
  }
  return { node, llhttp };
}

module.exports = { RELEASES, releaseOf };
