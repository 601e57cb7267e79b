'use strict';

// Describes the difference of two traces, with the same words for the same kind of difference.

/** The path to the first difference of two plain values, and the two values there; null if there is none. */
function firstDifference(expected, actual, path = '') {
  if (Object.is(expected, actual)) return null;
  const composite = (value) => typeof value === 'object' && value !== null;
  if (!composite(expected) || !composite(actual)) return { path, expected, actual };
  if (isAddress(expected) && actual[0] === 'bytesParsed' && actual[2] === 0) return null;
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  for (const key of keys) {
    const found = firstDifference(expected[key], actual[key], `${path}/${key}`);
    if (found) return found;
  }
  return null;
}

/**
 * Node's `bytesParsed` of FIN inside of a message, where the parser had paused at an upgrade before: what is
 * left of a memory address, different at each run. docs/differences.md says so.
 */
function isAddress(property) {
  if (!Array.isArray(property)) return false;
  const [name, , value] = property;
  return name === 'bytesParsed' && (value < 0 || value > 1 << 20);
}

function nameOf(event) {
  if (event === undefined) return 'nothing';
  const [name, detail] = event;
  const own = name === 'clientError' && detail.own?.find(([key]) => key === 'code');
  return own ? `${name} ${own[2]}` : name;
}

function brief(value) {
  const shown = JSON.stringify(value) ?? 'nothing';
  return shown.length > 80 ? `${shown.slice(0, 77)}...` : shown;
}

/** The kind of a difference, or null. Numbers and texts of the input are left out. */
function kindOf([expected, actual]) {
  for (let i = 0; i < Math.max(expected.events.length, actual.events.length); i++) {
    const [wanted, got] = [expected.events[i], actual.events[i]];
    const found = firstDifference(wanted, got);
    if (!found) continue;
    if (nameOf(wanted) !== nameOf(got)) return `${nameOf(wanted)} became ${nameOf(got)}`;
    return `${nameOf(wanted)} differs at ${found.path.replace(/\/\d+/g, '')}: ` +
      `${typeof found.expected}, ${typeof found.actual}`;
  }
  const found = firstDifference(expected, actual);
  if (!found) return null;
  const key = found.path.slice(1);
  if (key !== 'wire') return `${key}: ${brief(found.expected)} became ${brief(found.actual)}`;
  const heads = ({ wire }) => [...wire.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status).join();
  return `wire: replies ${heads(expected)} became ${heads(actual)}`;
}

module.exports = { brief, firstDifference, kindOf };
