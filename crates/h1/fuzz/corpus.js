'use strict';

// node crates/h1/fuzz/corpus.js: writes the first inputs of all targets. It takes them from the rules of the golden
// vectors and from the seeds of the parity tool.

const fs = require('node:fs');
const path = require('node:path');

const rules = require('../vectors/rules');
const { SEEDS } = require('../../../tools/parser-parity/seeds');

const requests = SEEDS.map((seed) => [seed, {}]);
for (const list of Object.values(rules)) {
  for (const [, request, options = {}] of list)
    requests.push([[request].flat().join(''), options]);
}

for (const target of ['heads', 'bodies', 'fast_against_machine', 'split_invariance']) {
  const folder = path.join(__dirname, 'corpus', target);
  fs.mkdirSync(folder, { recursive: true });
  for (const [i, [text, options]] of requests.entries()) {
    const lenient = options.lenient ?? 0;
    const request = target === 'bodies' ? text.replace(/^[^]*?\r\n\r\n/, '') : text;
    // crates/h1-testing/src/fuzz/input.rs reads these options.
    const head = [
      i % 3, Math.min(options.maxHeaderSize ?? 0, 255), Math.min(options.maxHeaderPairs ?? 0, 255),
      options.accept ? 1 : 0, lenient & 255, lenient >> 8, 0, 100,
    ];
    fs.writeFileSync(path.join(folder, `seed-${i}`),
                     Buffer.concat([Buffer.from(head), Buffer.from(request, 'latin1')]));
  }
}
