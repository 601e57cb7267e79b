'use strict';

// `npx ferrohttp explain [FILE]`: says whether a server accepts bytes, and why not.

const fs = require('node:fs');
const { parseArgs } = require('node:util');
const { explain, matrix } = require('../../lib/observe/explain.js');
const { escape } = require('../../lib/observe/escape.js');
const { format, wrap } = require('../../lib/observe/format.js');
const { FORMATS, read } = require('../../lib/observe/input/index.js');
const { toJSON } = require('../../lib/observe/record.js');

const USAGE = `Usage: ferrohttp explain [OPTION ...] [FILE]

Says whether a server accepts bytes, and why not. Without FILE, or with '-', it
reads the standard input. It recognizes raw bytes, hexadecimal digits, xxd, a
Buffer or an error as Node prints it, an error as JSON or in a log of pino,
HAProxy's 'show errors', pcap, pcapng and HAR.

  --node N               use the grammar of Node N: 20, 22, 24 or 26
                         (default: that of the Node that runs this)
  --matrix               print the verdict of each of them
  --insecure             parse as with insecureHTTPParser
  --max-header-size N    the largest head in bytes (default: Node's own)
  --max-headers-count N  the largest number of fields, 0 for no limit
                         (default: 1000)
  --fin                  the client sends FIN behind the bytes
  --upgrade              the server accepts upgrades
  --redact NAME          hide the values of a field (may be repeated)
  --redact-query         hide the values in the query of a target
  --format NAME          the form of the input: ${FORMATS.slice(0, 4).join(', ')},
                         ${FORMATS.slice(4).join(', ')}
  --json                 print a JSON object for each input

Exit status: 0 accepted, 1 refused, 2 the input cannot be used, 3 incomplete.
`;

const STATUS = { accepted: 0, upgraded: 0, refused: 1, incomplete: 3 };
/** The worst first, for several inputs. */
const ORDER = ['refused', 'incomplete', 'upgraded', 'accepted'];

class Unusable extends Error {}

function wholeNumber(text, name) {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new Unusable(`--${name} is a whole number`);
  return Number(text);
}

function optionsOf(values) {
  const options = {
    node: wholeNumber(values.node, 'node'),
    insecureHTTPParser: values.insecure ?? false,
    maxHeaderSize: wholeNumber(values['max-header-size'], 'max-header-size'),
    maxHeadersCount: wholeNumber(values['max-headers-count'], 'max-headers-count'),
    upgrade: values.upgrade ?? false,
    redact: { fields: values.redact ?? [], query: values['redact-query'] ?? false },
  };
  for (const key of Object.keys(options)) if (options[key] === undefined) delete options[key];
  return options;
}

function load(file, form) {
  if (form !== undefined && !FORMATS.includes(form)) throw new Unusable(`there is no form ${form}`);
  const fromTerminal = (file === undefined || file === '-') && process.stdin.isTTY;
  if (fromTerminal) process.stderr.write('Reading from the terminal, until Ctrl-D on a line of its own.\n');
  let bytes;
  try {
    bytes = fs.readFileSync(file === undefined || file === '-' ? 0 : file);
  } catch (error) {
    throw new Unusable(`${file ?? 'the standard input'} cannot be read: ${error.message}`);
  }
  if (bytes.length === 0) throw new Unusable('the input is empty');
  const found = read(bytes, form);
  if (found === null) throw new Unusable(`the input is not ${form}`);
  if (found.inputs.length === 0) throw new Unusable(`there is no request in this ${found.format}`);
  return found;
}

const SAYS = {
  accepted: ({ requests }) => `accepted: ${requests} request${requests === 1 ? '' : 's'}`,
  upgraded: () => 'accepted: the connection is upgraded, what follows is not HTTP',
  incomplete: ({ awaited }) => `incomplete: still awaited is ${awaited ?? 'more'}`,
};

function elsewhere({ elsewhere: rows = [] }) {
  const names = rows.map(({ node, insecure }) => `Node ${node}${insecure ? ' with insecureHTTPParser' : ''}`);
  return names.length > 0 ? wrap(`not refused by ${names.join(', ')}`) : [];
}

function tell(input, explanation, rows) {
  const lines = [];
  if (input.label !== '') lines.push(`${escape(input.label)}:`.slice(0, 79));
  if (input.truncated > 0) {
    lines.push(...wrap(`The input is truncated: ${input.truncated} bytes are missing. What they would change is not known.`, ''));
  }
  if (explanation.assumed !== undefined) {
    lines.push(...wrap(`The packet was taken for one that begins within ${explanation.assumed}: only so the parser says the same.`, ''));
  }
  if (explanation.verdict === 'refused') lines.push(format(explanation.refusal), ...elsewhere(explanation));
  else lines.push(...wrap(SAYS[explanation.verdict](explanation), ''));
  for (const { node, insecure, verdict, code } of rows) {
    lines.push(`  Node ${node}${insecure ? ' --insecure' : '           '}  ${verdict}${code === undefined ? '' : ` ${escape(code)}`}`);
  }
  return lines.join('\n');
}

function explainAll({ inputs, format: form }, options, values) {
  const results = inputs.map((input) => {
    const packets = input.packets ?? [input.error.rawPacket];
    const fin = values.fin ?? input.fin ?? false;
    const explanation = explain(input.error ?? packets, { ...options, fin });
    const rows = values.matrix ? matrix(packets, { ...options, fin }) : [];
    return { input, explanation, rows };
  });
  if (values.json) {
    for (const { input, explanation, rows } of results) {
      const { refusal } = explanation;
      process.stdout.write(`${JSON.stringify({
        input: form, label: input.label, truncated: input.truncated ?? 0, ...explanation,
        ...(refusal === undefined ? {} : { refusal: toJSON(refusal) }),
        ...(values.matrix ? { matrix: rows } : {}),
      })}\n`);
    }
  } else {
    process.stdout.write(`${results.map(({ input, explanation, rows }) => tell(input, explanation, rows)).join('\n\n')}\n`);
  }
  const verdicts = results.map(({ explanation }) => explanation.verdict);
  return STATUS[ORDER.find((verdict) => verdicts.includes(verdict))];
}

function run(args) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        node: { type: 'string' }, matrix: { type: 'boolean' }, insecure: { type: 'boolean' }, 'max-header-size': { type: 'string' },
        'max-headers-count': { type: 'string' }, fin: { type: 'boolean' }, upgrade: { type: 'boolean' },
        redact: { type: 'string', multiple: true }, 'redact-query': { type: 'boolean' }, format: { type: 'string' },
        json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) return void process.stdout.write(USAGE);
    if (positionals.length > 1) throw new Unusable('there is more than one file');
    const options = optionsOf(values);
    explain('', options); // whatever is wrong with them is told before anything is read
    process.exitCode = explainAll(load(positionals[0], values.format), options, values);
  } catch (error) {
    const known = error instanceof Unusable || error.code?.startsWith('ERR_PARSE_ARGS') || error.code === 'ERR_INVALID_ARG_VALUE';
    if (!known) throw error;
    // What Node says after the first sentence is about its own conventions.
    const message = error instanceof Unusable ? error.message : error.message.split('. ')[0];
    process.stderr.write(`ferrohttp explain: ${escape(message)}\nSee ferrohttp explain --help.\n`);
    process.exitCode = 2;
  }
}

module.exports = { run };
