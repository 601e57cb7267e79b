'use strict';

// Makes lib/layout.js and the tables of docs/architecture.md from src/layout.rs.

const fs = require('node:fs');
const path = require('node:path');
const commandLine = require('./command-line.js');

const USAGE = `npm run layout -- [--check]
  makes lib/layout.js and the tables of docs/architecture.md from src/layout.rs
  --check  writes nothing, and fails if one of them is stale`;

const ROOT = path.join(__dirname, '..');
const read = (name) => fs.readFileSync(path.join(ROOT, name), 'utf8');

/** The modules of src/layout.rs: `{ name, comment, constants: [{ name, value, follows, comment }] }`. */
function parse(source) {
  const modules = [];
  let comment = [];
  for (const line of source.split('\n').map((text) => text.trim())) {
    const [, text] = /^\/\/\/ (.*)$/.exec(line) ?? [];
    const [, module] = /^pub mod (\w+) \{$/.exec(line) ?? [];
    const [, name, value] = /^pub const (\w+): u32 = (\d+(?: << \d+)?);$/.exec(line) ?? [];
    if (text !== undefined) {
      comment.push(text);
      continue;
    }
    const said = comment.join(' ');
    comment = [];
    if (module !== undefined) {
      modules.push({ name: module, comment: said, constants: [] });
    } else if (name !== undefined) {
      const [, follows = '', rest = said] = /^`([^`]*)`: (.*)$/.exec(said) ?? [];
      modules.at(-1).constants.push({ name, value, follows, comment: modules.at(-1).name === 'record' ? rest : said });
    } else if (!/^(\/\/!.*|\}|)$/.test(line)) {
      throw new Error(`src/layout.rs has a line that is none of a table: ${line}`);
    }
  }
  return modules;
}

function javascript(modules) {
  const blocks = modules.map(({ name, comment, constants }) => {
    const lines = constants.map((constant) => `  ${constant.name}: ${constant.value},`);
    return `/** ${comment} */\nconst ${name} = Object.freeze({\n${lines.join('\n')}\n});\n`;
  });
  return `'use strict';
// The numbers that Rust and JavaScript share. Made from src/layout.rs by \`npm run layout\`: change that.

${blocks.join('\n')}
module.exports = { ${modules.map(({ name }) => name).join(', ')} };
`;
}

const cell = (text) => text.replaceAll('|', '\\|');
const capital = (text) => text[0].toUpperCase() + text.slice(1);

function table({ name, constants }) {
  const record = name === 'record';
  const head = record ? '| Record | Layout | Meaning |\n|---|---|---|' : '| Name | Number | Meaning |\n|---|---|---|';
  const rows = constants.map((constant) => {
    const numbers = [constant.value, ...(constant.follows ? [constant.follows] : [])].join(', ');
    return `| ${constant.name} | ${cell(record ? numbers : constant.value)} | ${cell(capital(constant.comment))} |`;
  });
  return `${head}\n${rows.join('\n')}\n`;
}

/** Returns the page with new tables between its markers. */
function page(modules, text) {
  return text.replace(/(<!-- layout: (\w+) -->\n)[^]*?(<!-- end -->)/g, (_, begin, name, end) => {
    const found = modules.find((module) => module.name === name);
    if (found === undefined) throw new Error(`docs/architecture.md asks for ${name}, which src/layout.rs does not have`);
    return begin + table(found) + end;
  });
}

/** The content that each file must have. */
function outputs() {
  const modules = parse(read('src/layout.rs'));
  return {
    'lib/layout.js': javascript(modules),
    'docs/architecture.md': page(modules, read('docs/architecture.md')),
  };
}

/** The files that do not have that content. */
function stale() {
  return Object.entries(outputs())
    .filter(([name, text]) => !fs.existsSync(path.join(ROOT, name)) || read(name) !== text)
    .map(([name]) => name);
}

module.exports = { stale };

if (require.main === module) {
  if (commandLine(USAGE, { check: { type: 'boolean' } }).values.check) {
    const names = stale();
    if (names.length > 0) {
      console.error(`${names.join(' and ')}: not as src/layout.rs has it. Run npm run layout.`);
      process.exitCode = 1;
    }
  } else {
    for (const [name, text] of Object.entries(outputs())) fs.writeFileSync(path.join(ROOT, name), text);
  }
}
