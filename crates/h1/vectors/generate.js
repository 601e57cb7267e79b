'use strict';

// Writes the vectors: runs each rule of rules.js through the parser of several Nodes, and records what it said.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const commandLine = require('../../../scripts/command-line.js');
const rules = require('./rules');

const USAGE = `node crates/h1/vectors/generate.js [--check] NODE ...
  writes the vectors, crates/h1/vectors/*.md: what the parser of each Node says to every rule of rules.js
  NODE     binaries, one of each major version
  --check  compares instead of writing`;

const DEFAULTS = { maxHeaderSize: 16384, maxHeaderPairs: 2000, lenient: 0, accept: false, fin: false };

// In a Node under test: all transcripts, in order.
function record() {
  const { NODE, run } = require('../../../tools/parser-parity/oracle');
  const recorded = {};
  for (const [file, list] of Object.entries(rules)) {
    recorded[file] = list.map(([, request, options = {}]) => {
      if (options.since > NODE)
        return null;
      const packets = [request].flat().map((packet) => Buffer.from(packet, 'latin1'));
      return run({ ...DEFAULTS, ...options, packets });
    });
  }
  const { node, llhttp } = process.versions;
  process.stdout.write(JSON.stringify({ node, llhttp, recorded }));
}

// Bytes as text that a Markdown file keeps: `escape` for one line.
function escape(text) {
  return text.replace(/[^\x20-\x7e]|\\/g, (char) => {
    const named = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '\\': '\\\\' }[char];
    return named ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  }).replace(/ $/, '\\x20').replace(/x{40,}/g, (run) => `\\{${run.length}x}`);
}

// A request's lines break after LF.
const lines = (packet) => packet.split(/(?<=\n)/).map(escape).join('\n');

function attributes(options) {
  return Object.entries(options)
    .filter(([key]) => key !== 'since')
    .map(([key, value]) => (value === true ? key : `${key}=${value}`))
    .map((attribute) => ` ${attribute}`)
    .join('');
}

function section([title, request, options = {}], transcripts) {
  let text = `## ${title}\n\n\`\`\`request${attributes(options)}\n`;
  text += [request].flat().map(lines).join('\n--- packet ---\n');
  text += '\n```\n';
  const groups = new Map();
  for (const [major, transcript] of transcripts) {
    if (transcript !== null)
      groups.set(transcript, [...(groups.get(transcript) ?? []), major]);
  }
  for (const [transcript, majors] of groups) {
    const shown = transcript.slice(0, -1).split('\n').map(escape).join('\n');
    text += `\n\`\`\`events node=${majors.join(',')}\n${shown}\n\`\`\`\n`;
  }
  return `${text}\n`;
}

function generate(nodes, check) {
  const results = nodes.map((node) => JSON.parse(
    execFileSync(node, ['--no-deprecation', __filename, '--record'], { maxBuffer: 1 << 28 })));
  const made = results.map(({ node, llhttp }) => `- Node ${node}, llhttp ${llhttp}`).join('\n');
  let stale = 0;
  for (const [file, list] of Object.entries(rules)) {
    let text = `# ${file}\n\nMade by generate.js from rules.js with the parsers of:\n\n${made}\n\n`;
    for (const [i, rule] of list.entries()) {
      text += section(rule, results.map(({ node, recorded }) =>
        [node.split('.')[0], recorded[file][i]]));
    }
    const target = path.join(__dirname, `${file}.md`);
    text = `${text.trimEnd()}\n`;
    if (check) {
      if (fs.readFileSync(target, 'utf8') !== text) {
        console.error(`${file}.md is not what these Nodes say`);
        stale++;
      }
    } else {
      fs.writeFileSync(target, text);
    }
  }
  process.exitCode = stale === 0 ? 0 : 1;
}

const { values, positionals, wrong } = commandLine(USAGE, { check: { type: 'boolean' }, record: { type: 'boolean' } }, ['[NODE ...]']);
if (values.record) {
  record();
} else {
  if (positionals.length === 0)
    wrong('NODE is missing');
  const strange = positionals.find((node) => !commandLine.isProgram(node));
  if (strange !== undefined)
    wrong(`there is no program '${strange}'`);
  generate(positionals, values.check);
}
