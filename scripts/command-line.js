'use strict';

// The command line of a script: its options and words, or its usage where that is asked for or where something is wrong.

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');

/** Whether a program exists: a path, or a name that the system looks up. On Windows that has rules of its own. */
function isProgram(name) {
  if (/[\\/]/.test(name)) return fs.existsSync(name);
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return process.platform === 'win32' || folders.some((folder) => fs.existsSync(path.join(folder, name)));
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parsePattern(text) {
  try {
    return new RegExp(text);
  } catch {
    return undefined;
  }
}

/** What an option may be, beside a boolean: how its text is read, undefined if it is wrong, and what it must be. */
const TYPES = {
  string: { read: (text) => text },
  number: { read: (text) => (text.trim() !== '' && Number(text) >= 0 ? Number(text) : undefined), must: 'a number' },
  list: { read: (text) => text.split(',') },
  json: { read: parseJson, must: 'JSON' },
  pattern: { read: parsePattern, must: 'a regular expression' },
  path: { read: (text) => (fs.existsSync(text) ? text : undefined), must: 'a path that exists' },
  program: { read: (text) => (isProgram(text) ? text : undefined), must: 'a program that exists' },
};

/** Ends the script with its usage: because it was asked for, or with what is wrong. */
function tell(usage, wrong) {
  if (wrong === undefined) console.log(usage);
  else console.error(`${wrong}\n\n${usage}`);
  process.exit(wrong === undefined ? 0 : 2);
}

/** What is wrong with the number of words, if anything. `names` are those of the usage: `FILE`, `[FILE]`, `[FILE ...]`. */
function wrongWords(words, names) {
  const needed = names.filter((name) => !name.startsWith('['));
  if (words.length < needed.length) return `${needed[words.length].split(' ')[0]} is missing`;
  const isEndless = names.some((name) => name.includes('...'));
  return isEndless || words.length <= names.length ? undefined : `Unexpected argument '${words[names.length]}'`;
}

/** Names for a usage, in lines of at most 100 columns, each but the first behind `indent` spaces. */
function wrapped(names, indent) {
  const lines = [''];
  for (const [i, name] of names.entries()) {
    const word = i < names.length - 1 ? `${name},` : name;
    if (indent + lines.at(-1).length + word.length > 100) lines.push(word);
    else lines.push(`${lines.pop()} ${word}`.trim());
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}

/**
 * The `values` of options and the `positionals`, as `parseArgs` has them. `usage` is printed for --help, and beside what
 * is wrong; `wrong` does this for what the script itself finds.
 *
 * An option is `{ type, default, multiple, choices }`. Besides boolean and string, the types are `number`, which is
 * not negative, `list`, whose parts are separated by commas, `json`, `pattern`, and `path` and `program`, which must exist.
 * `choices` are all that is allowed. `names` are those of the words behind the options.
 */
function commandLine(usage, options = {}, names = []) {
  const wrong = (text) => tell(usage, text);
  const read = (name, text) => {
    const { type, choices } = options[name];
    const value = TYPES[type].read(text);
    const stranger = choices && [value].flat().find((one) => !choices.includes(one));
    if (stranger !== undefined) wrong(`--${name} cannot be '${stranger}', it is one of ${choices.join(', ')}`);
    return value ?? wrong(`--${name} must be ${TYPES[type].must}, not '${text}'`);
  };

  const declared = Object.entries(options).map(([name, { type, multiple = false }]) =>
    [name, { type: type === 'boolean' ? type : 'string', multiple }]);
  let parsed;
  try {
    parsed = parseArgs({
      options: { ...Object.fromEntries(declared), help: { type: 'boolean', short: 'h' } }, allowPositionals: names.length > 0,
    });
  } catch (error) {
    // What Node says after the first sentence is about its own conventions.
    const [sentence] = error.message.split(/\.\s/);
    wrong(sentence.replace(/ argument is ambiguous$/, ' has no value, or one that begins with a dash'));
  }
  const { values, positionals } = parsed;
  if (values.help) tell(usage);
  for (const [name, { type, multiple, default: value }] of Object.entries(options)) {
    if (values[name] === undefined) values[name] = value;
    else if (multiple) values[name] = values[name].map((text) => read(name, text));
    else if (type !== 'boolean') values[name] = read(name, values[name]);
  }
  const misfit = wrongWords(positionals, names);
  if (misfit !== undefined) wrong(misfit);
  return { values, positionals, wrong };
}

module.exports = Object.assign(commandLine, { isProgram, wrapped });
