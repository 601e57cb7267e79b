'use strict';
// NODE_DEBUG=http logs a refusal that nobody listens to, as with node:http.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const test = require('node:test');

function log(specifier) {
  const program = `
    const server = require(${JSON.stringify(specifier)}).createServer().listen(0, '127.0.0.1', () => {
      require('net').connect(server.address().port, '127.0.0.1', function () { this.write('BAD\\r\\n\\r\\n'); })
        .on('data', () => {}).on('close', () => server.close());
    });`;
  const env = { ...process.env, NODE_DEBUG: 'http' };
  const { stderr } = spawnSync(process.execPath, ['-e', program], { env, encoding: 'utf8' });
  return stderr.split('\n').map((line) => line.replace(/^HTTP \d+: /, ''))
    .filter((line) => /^(SERVER new|parse error|server socket close)|^ {2}(code|reason|bytesParsed):/.test(line));
}

test('NODE_DEBUG=http logs what node:http logs of a refusal', () => {
  const lines = log(path.resolve(__dirname, '../..'));
  assert.deepStrictEqual(lines, log('node:http'));
  assert.ok(lines.length >= 5, lines.join('\n'));
});
