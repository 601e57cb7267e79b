'use strict';

// Finds where two traces of a history differ.

const { firstDifference } = require('../parity/difference.js');

/** An event without what differs between two histories of the same kind. */
function nameOf(event) {
  if (event === undefined) return 'nothing';
  const [, name, ...details] = event;
  const kind = name.replace(/^\d+\.\d+ /, '').replace(/ \d+$/, '');
  return [kind, ...details.filter((detail) => typeof detail !== 'number')].join(', ');
}

/** The lists of events by connection. Events whose connection is not known are under -1. */
function byConnection({ sockets }) {
  const lists = new Map();
  for (const { c, events } of sockets) {
    if (!lists.has(c)) lists.set(c, []);
    lists.get(c).push(events);
  }
  return lists;
}

/**
 * Pairs of event lists to compare. A connection that was reset before it had a request has forgotten its port, so it is
 * not known which one it was. Lists whose number only one of the servers knows are sorted and compared, too.
 */
function pairs(expected, actual) {
  const [wanted, got] = [byConnection(expected), byConnection(actual)];
  const left = [[], []];
  const found = [];
  for (const c of new Set([...wanted.keys(), ...got.keys()])) {
    const [ofNode = [], ofOurs = []] = [wanted.get(c), got.get(c)];
    if (c !== -1 && ofNode.length === ofOurs.length) {
      ofNode.forEach((events, i) => found.push({ c, expected: events, actual: ofOurs[i] }));
    } else {
      left[0].push(...ofNode);
      left[1].push(...ofOurs);
    }
  }
  for (const list of left) list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  for (let i = 0; i < Math.max(left[0].length, left[1].length); i++) {
    found.push({ c: -1, expected: left[0][i] ?? [], actual: left[1][i] ?? [] });
  }
  return found;
}

/** Whether a response of this connection ended early, or the client got less than all that was finished. */
function isCut(trace, c) {
  const names = new Set((byConnection(trace).get(c) ?? []).flat().map(([, name]) => name));
  const ended = [...names].some((name) => name.endsWith(' res close') && !names.has(name.replace(/close$/, 'finish')));
  return ended || trace.clients[c].seen.at(-1).total < finishedBytes(trace, c);
}

/** How many bytes of bodies were finished on a connection. */
function finishedBytes({ sockets }, c) {
  return sockets.filter((socket) => socket.c === c).reduce((sum, { finished }) => sum + finished, 0);
}

/** Leaves out repeated refusals. How many there are depends on how the kernel cuts the bytes. */
function withoutRepeats(events) {
  return events.filter((event, i) => event[1] !== 'clientError' || JSON.stringify(event) !== JSON.stringify(events[i - 1]));
}

/**
 * The events of a connection whose client left while something was read or written. How many writes the kernel takes
 * before it knows that depends on time, and so does the moment at which the end is reported. What is certain is which
 * events came in which step. Left out are events of writing, and the end of a request that was complete.
 */
function afterLeaving(events, left) {
  const OUTCOMES = /^(clientError|socket \S+|\S+ (res finish|res close|res error|written \d+|ended|req error))$/;
  const isOutcome = ([, name, detail]) => OUTCOMES.test(name) ||
    (/ req (end|aborted|close)$/.test(name) && detail === 'complete true') || / req read$/.test(name);
  const after = events.filter((event) => event[0] >= left && !isOutcome(event))
    .map(([step, name]) => [step, name]);
  return [...events.filter(([step]) => step < left), ...after.sort((a, b) => (`${a}` < `${b}` ? -1 : 1))];
}

/** The step in which the client of a connection left. Infinity if it did not, or if its number is not known. */
function leftAt(traces, c) {
  return Math.min(...traces.map(({ clients }) => {
    const step = clients[c]?.seen.findIndex(({ end }) => end === 'left') ?? -1;
    return step === -1 ? Infinity : step;
  }));
}

/** The event lists of a connection as they are compared. */
function comparable(left, lists) {
  const racing = lists.flat().some(([step, name]) => step >= left && /request$|res finish$|written \d+$/.test(name));
  return lists.map(withoutRepeats).map((events) => (racing ? afterLeaving(events, left) : events));
}

/** Whether a listener kept a connection whose client had left. Whether there was one to keep depends on time. */
function isKept(left, lists) {
  return lists.flat().some(([step, name, , writable]) => step >= left && name === 'clientError' && writable === 'writable true');
}

/** The first bytes without dates, which answers have that no handler gives. */
function undated(text, length) {
  return text.slice(0, length).replace(/\r\nDate: [^\r]*/g, '\r\nDate');
}

function compareClients(expected, actual) {
  for (const [c, wanted] of expected.clients.entries()) {
    const got = actual.clients[c];
    // If a response ends early, or its client leaves meanwhile, the kernel decides how much of it comes.
    const ended = wanted && got && isCut(expected, c) && isCut(actual, c);
    for (const [step, { end, total }] of (wanted?.seen ?? []).entries()) {
      const seen = got?.seen[step];
      if (seen?.end !== end) return { kind: `client saw ${end}, then ${seen?.end}`, where: `client ${c}, step ${step}`, expected: end, actual: seen?.end };
      if (seen.total !== total && !ended && end !== 'left') {
        const change = seen.total < total ? 'fewer' : 'more';
        return { kind: `client read ${change} bytes`, where: `client ${c}, step ${step}`, expected: total, actual: seen.total };
      }
    }
    if (!wanted) continue;
    const length = Math.min(wanted.text.length, got.text.length);
    const same = wanted.hash === got.hash || wanted.seen.at(-1).total !== got.seen.at(-1).total || expected.isDated;
    if (!same || undated(wanted.text, length) !== undated(got.text, length)) {
      return { kind: 'client read other bytes', where: `client ${c}`, expected: wanted.text, actual: got.text };
    }
  }
  return null;
}

/** The first difference of two traces, `{ kind, where, expected, actual }`, or null. */
function difference([expected, actual]) {
  let kept = false;
  for (const { c, ...both } of pairs(expected, actual)) {
    const lists = [both.expected, both.actual];
    const left = leftAt([expected, actual], c);
    kept ||= isKept(left, lists);
    const [wanted, got] = comparable(left, lists);
    for (let i = 0; i < Math.max(wanted.length, got.length); i++) {
      if (!firstDifference(wanted[i], got[i])) continue;
      const names = [nameOf(wanted[i]), nameOf(got[i])];
      const kind = names[0] !== names[1] ? `${names[0]} became ${names[1]}` :
        wanted[i][1] === got[i][1] && wanted[i][0] !== got[i][0] ? `${names[0]} in another step` : `another ${names[0]}`;
      return { kind, where: `connection ${c}, event ${i}`, expected: wanted[i], actual: got[i] };
    }
  }
  const ofClients = compareClients(expected, actual);
  if (ofClients) return ofClients;
  const found = !kept && firstDifference(expected.summary, actual.summary);
  if (found) return { kind: 'open connections', where: `summary${found.path}`, expected: found.expected, actual: found.actual };
  return null;
}

/** A trace by connection. Null if it is not known which connection some events belong to. */
function partsOf({ sockets, clients, summary, ...rest }) {
  if (sockets.some(({ c }) => c === -1)) return null;
  return clients.map((_, c) => ({
    ...rest,
    sockets: sockets.filter((socket) => socket.c === c),
    clients: clients.map((client, i) => (i === c ? client : undefined)),
    summary: [],
  }));
}

module.exports = { difference, partsOf };
