'use strict';

// The output of the commands.

function megabytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

/** Rows of cells as aligned text; the first row is the heading. */
function table(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => String(row[i]).length)));
  return rows.map((row) => row.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i])))
    .join('  ')).join('\n');
}

/** Shows how the actions of a crowd have ended, and what it has found wrong. */
function printTally({ tally, ended, wrong }) {
  const rows = Object.entries(tally).sort().map(([name, { done, ended: cut }]) => [name, done, cut]);
  console.log(table([['action', 'done', 'cut off'], ...rows]));
  if (Object.keys(ended).length > 0) console.log(`cut off by: ${JSON.stringify(ended)}`);
  for (const text of wrong.slice(0, 20)) console.log(`WRONG: ${text}`);
  if (wrong.length > 20) console.log(`and ${wrong.length - 20} more`);
}

/** Collects what a run finds, and prints it at once. */
class Findings {
  constructor() {
    this.list = [];
  }

  /** Notes that something does not hold. */
  expect(holds, text) {
    if (holds) return;
    this.list.push(text);
    console.log(`NOT SO: ${text}`);
  }

  /** Prints the result of the run, and returns the exit code. */
  conclude() {
    console.log(this.list.length === 0 ? '\nEverything came back, and nothing was wrong.' : `\nFAILED: ${this.list.length} findings`);
    process.exitCode = this.list.length === 0 ? 0 : 1;
  }
}

module.exports = { Findings, megabytes, printTally, table };
