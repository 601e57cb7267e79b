'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

/**
 * Options for Node that change process.versions before anything is loaded. A null removes a version. `node` changes
 * process.version, too.
 */
exports.faking = (t, changes) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'faking-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'fake.js');
  fs.writeFileSync(file, `
    const versions = { ...process.versions, ...${JSON.stringify(changes)} };
    for (const [name, value] of Object.entries(versions)) if (value === null) delete versions[name];
    Object.defineProperty(process, 'versions', { value: versions });
    Object.defineProperty(process, 'version', { value: 'v' + versions.node });`);
  return ['-r', file];
};
