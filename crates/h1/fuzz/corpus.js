'use strict';

// Writes the first inputs of targets. It takes them from the rules of the golden vectors and from the seeds of the parity
// tool.

const fs = require('node:fs');
const path = require('node:path');

const rules = require('../vectors/rules');
const { SEEDS } = require('../../../tools/parser-parity/seeds');

const requests = SEEDS.map((text) => [text, {}]);
for (const list of Object.values(rules)) {
  for (const [, request, options = {}] of list)
    requests.push([[request].flat().join(''), options]);
}

function seed(targets) {
  for (const target of targets) {
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
}

module.exports = { seed };
