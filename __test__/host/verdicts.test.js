'use strict';

// Whatever Node and llhttp say that they are, each shipped vector gets the verdict of the server of the running Node: if
// ferrohttp's parser does not know better, Node's own decides.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { faking } = require('./support/faking.js');

const VERSIONS = {
  'what it is': {},
  'a newer llhttp': { llhttp: '9.9.0' },
  'an older llhttp': { llhttp: '1.0.0' },
  'without llhttp': { llhttp: null },
  'Node 27': { node: '27.0.0' },
  'Node 27 with a newer llhttp': { node: '27.0.0', llhttp: '9.9.0' },
};

for (const [name, versions] of Object.entries(VERSIONS)) {
  test(`verdicts if Node says that it is ${name}`, async (t) => {
    const args = [...faking(t, versions), require.resolve('./support/verdicts.js')];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
    const { cases, kinds, different } = JSON.parse(stdout);
    assert.deepStrictEqual(different.slice(0, 3), []);
    assert.ok(cases > 150 && kinds.clientError > 80 && kinds.request > 60 && kinds.upgrade > 0, JSON.stringify(kinds));
  });
}
