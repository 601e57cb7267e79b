'use strict';
/* global document, matchMedia, EventSource */
// Runs in the browser. It puts text only into text nodes.

(() => {
  const KEPT = 500; // the largest number of refusals in the list
  const BARS = 60; // bars in the chart
  const STEP = 2000; // ms for each bar

  const byId = (id) => document.getElementById(id);
  const list = byId('list');
  const one = byId('one');
  const refusals = new Map(); // by server and number, the oldest first
  const bars = []; // { until, count }
  let stats = null;
  let total = null;
  let open = null; // key of the refusal that is shown

  function element(name, text, attributes = {}) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  // ---- What came ----------------------------------------------------------------------------

  function receive({ time, servers }) {
    for (const [i, { refusals: fresh }] of servers.entries()) {
      for (const refusal of fresh) refusals.set(`${i}.${refusal.seq}`, refusal);
    }
    const sorted = [...refusals].sort(([, a], [, b]) => a.time - b.time || a.seq - b.seq);
    refusals.clear();
    for (const [key, refusal] of sorted.slice(-KEPT)) refusals.set(key, refusal);
    stats = servers.map((server) => server.stats);
    count(time);
    showCounts();
    showAdvice();
    showChart(time);
    showFilters();
    showList();
  }

  /** Adds the refusals since the last call to the chart. */
  function count(time) {
    const now = stats.reduce((sum, each) => sum + each.total, 0);
    if (total === null) {
      for (const { time: when } of refusals.values()) add(when, 1);
    } else {
      add(time, now - total);
    }
    total = now;
  }

  function add(time, many) {
    const until = Math.ceil(time / STEP) * STEP;
    const bar = bars.find((each) => each.until === until);
    if (bar === undefined) bars.push({ until, count: many });
    else bar.count += many;
  }

  // ---- What is shown ------------------------------------------------------------------------

  function sum(pick) {
    return stats.reduce((all, each) => all + pick(each), 0);
  }

  function showCounts() {
    const peer = stats.flatMap((each) => each.peers).sort((a, b) => b.count - a.count)[0];
    const shown = [
      ['refused', sum((each) => each.total)],
      ['kinds', new Set(stats.flatMap((each) => each.kinds.map(({ code, hint }) => `${code} ${hint}`))).size],
      ['dropped', sum((each) => each.dropped)],
      ['silent', sum((each) => each.silent)],
      ['closed idle', sum((each) => each.idleCloses)],
    ];
    const races = sum((each) => each.keepAliveRaces);
    if (races > 0) shown.push(['keep-alive races', races]);
    const tolerated = sum((each) => each.tolerated.reduce((all, { count: more }) => all + more, 0));
    if (tolerated > 0) shown.push(['tolerated', tolerated]);
    if (peer !== undefined) shown.push([`from ${peer.address}`, peer.count]);
    byId('counts').replaceChildren(...shown.map(([label, value]) => {
      const box = element('div');
      box.append(element('b', String(value)), element('span', label, { class: 'dim' }));
      return box;
    }));
  }

  function showAdvice() {
    const items = stats.flatMap((each) => each.advice).map(({ id, text, peer }) =>
      element('li', `${text} [${id}${peer === undefined ? '' : `, ${peer}`}]`));
    byId('advice').hidden = items.length === 0;
    byId('advice').replaceChildren(...items);
  }

  function showChart(time) {
    const last = Math.ceil(time / STEP) * STEP;
    while (bars.length > 0 && bars[0].until <= last - BARS * STEP) bars.shift();
    const most = Math.max(1, ...bars.map((bar) => bar.count));
    const chart = byId('chart');
    const rects = bars.filter((bar) => bar.count > 0 && bar.until > last - BARS * STEP).map(({ until, count: many }) => {
      const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
      const height = Math.max(1, 38 * many / most);
      const x = 2 * (BARS - 1 - (last - until) / STEP);
      for (const [key, value] of Object.entries({ x, y: 40 - height, width: 1.6, height })) rect.setAttribute(key, value);
      return rect;
    });
    chart.replaceChildren(chart.firstElementChild, ...rects);
    byId('scale').replaceChildren(element('span', `${BARS * STEP / 1000} s ago`),
      element('span', `at most ${most} in ${STEP / 1000} s`), element('span', 'now'));
  }

  function fill(select, values) {
    const wanted = ['', ...[...values].sort()];
    const present = Array.from(select.options, (option) => option.value);
    if (wanted.join() === present.join()) return;
    const { value } = select;
    select.replaceChildren(...wanted.map((each) => element('option', each === '' ? 'any' : each, { value: each })));
    select.value = wanted.includes(value) ? value : '';
  }

  function showFilters() {
    const kinds = stats.flatMap((each) => each.kinds);
    fill(byId('code'), new Set(kinds.map(({ code }) => code)));
    fill(byId('hint'), new Set(kinds.map(({ hint }) => hint).filter((hint) => hint !== undefined)));
  }

  function passes({ code, hint, peer }) {
    const wanted = byId('peer').value.trim();
    return (byId('code').value === '' || byId('code').value === code) &&
      (byId('hint').value === '' || byId('hint').value === hint?.id) &&
      (wanted === '' || (peer !== undefined && (end(peer).includes(wanted) || `${peer.address}:${peer.port}`.includes(wanted))));
  }

  const end = ({ address, port }) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);

  const clock = (time) => new Date(time).toLocaleTimeString([], { hour12: false });

  function row(key, refusal) {
    const { time, code, reason, hint, peer, status } = refusal;
    const button = element('button', undefined, { type: 'button', 'data-key': key });
    if (key === open) button.setAttribute('aria-current', 'true');
    button.append(element('time', clock(time), { datetime: new Date(time).toISOString() }), element('strong', code));
    const about = [hint === undefined ? reason : hint.text, peer && end(peer), status && `answered ${status}`];
    button.append(element('span', about.filter(Boolean).join(' · ')));
    const item = element('li');
    item.append(button);
    return item;
  }

  function showList() {
    const focused = document.activeElement?.dataset?.key;
    const rows = [...refusals].filter(([, refusal]) => passes(refusal)).reverse();
    list.replaceChildren(...rows.map(([key, refusal]) => row(key, refusal)));
    const none = byId('none');
    none.hidden = rows.length > 0;
    none.textContent = refusals.size > 0 ? 'Nothing passes the filters.' : 'Nothing was refused so far.';
    if (focused !== undefined) buttonOf(focused)?.focus({ preventScroll: true });
  }

  function buttonOf(key) {
    return [...list.querySelectorAll('button')].find((button) => button.dataset.key === key);
  }

  // ---- One refusal --------------------------------------------------------------------------

  function factsOf({ reason, hint, outcome, status, peer, local, connection, request, previous, at, awaited, limit }) {
    const facts = [
      ['Reason', reason],
      ['Hint', hint && `${hint.certain ? '' : 'most likely '}${hint.text}`],
      ['Outcome', OUTCOMES[outcome] + (status === null ? '' : ` ${status}`)],
      ['Peer', peer && end(peer)],
      ['Local', local && end(local)],
      ['Connection', `${connection.age} ms, ${connection.requests} requests, ${connection.bytesRead} bytes`],
      ['Request', request && [request.method, request.target, request.host && `Host ${request.host}`].filter(Boolean).join(' ')],
      ['Before it', previous && `${previous.method}, Content-Length ${previous.contentLength ?? 'none'}`],
      ['At', at && `byte ${at.packet} of the packet, ${at.message ?? '?'} of the message, ${at.part}`],
      ['Field', at?.field],
      ['Awaited', awaited],
      ['Limit', limit && `${limit.name} ${limit.value}, seen at least ${limit.seen}`],
      ['Change', limit?.change],
      ['Largest', limit?.largest?.map(({ name, bytes }) => `${name} ${bytes}`).join(', ')],
    ];
    return facts.filter(([, value]) => value !== undefined && value !== '');
  }

  const OUTCOMES = {
    reply: 'answered', listener: "left to the 'clientError' listener", closed: 'closed without a reply',
    dropped: 'dropped before anything was read',
  };

  const printable = (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.');

  /**
   * Shows sixteen bytes in a line (eight on a narrow page) in hexadecimal and as text, with one byte marked in both.
   */
  function dump({ bytes: hex, from }, marked) {
    const pre = element('pre', undefined, { id: 'dump', tabindex: '0', 'aria-label': 'Bytes' });
    const bytes = hex.match(/../g)?.map((digits) => parseInt(digits, 16)) ?? [];
    const width = matchMedia('(max-width: 520px)').matches ? 8 : 16;
    for (let start = 0; start < bytes.length; start += width) {
      const line = bytes.slice(start, start + width);
      pre.append(`${String(from + start).padStart(5, '0')}  `);
      cells(pre, line, marked - from - start, (byte) => byte.toString(16).padStart(2, '0'), ' ');
      pre.append(' '.repeat((width - line.length) * 3 + 2));
      cells(pre, line, marked - from - start, printable, '');
      pre.append('\n');
    }
    return pre;
  }

  function cells(into, line, marked, show, between) {
    for (const [i, byte] of line.entries()) {
      into.append(i === marked ? element('mark', show(byte)) : show(byte), between);
    }
  }

  function show(key) {
    open = key;
    const refusal = refusals.get(key);
    one.hidden = refusal === undefined;
    for (const button of list.querySelectorAll('button')) {
      if (button.dataset.key === key) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
    }
    if (refusal === undefined) return;
    const close = element('button', 'Close', { type: 'button', class: 'close' });
    close.addEventListener('click', hide);
    const facts = element('dl');
    for (const [name, value] of factsOf(refusal)) facts.append(element('dt', name), element('dd', value));
    one.replaceChildren(close, element('h2', refusal.code), facts);
    const { excerpt } = refusal;
    if (excerpt !== undefined) {
      const notes = [excerpt.clipped && 'the packet has more', excerpt.redacted > 0 && `${excerpt.redacted} bytes hidden`];
      one.append(dump(excerpt, refusal.at?.packet ?? -1), element('p', notes.filter(Boolean).join(', '), { class: 'dim' }));
    }
    one.append(element('pre', refusal.text, { id: 'text', tabindex: '0', 'aria-label': 'As text' }));
  }

  function hide() {
    const key = open;
    show(null);
    (buttonOf(key) ?? list.querySelector('button'))?.focus();
  }

  // ---- Keys and clicks ----------------------------------------------------------------------

  list.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (button === null) return;
    show(button.dataset.key);
    if (event.detail === 0) one.focus({ preventScroll: true }); // by keyboard
    one.scrollIntoView({ block: matchMedia('(min-width: 1000px)').matches ? 'nearest' : 'start' });
  });

  function move(step) {
    const buttons = [...list.querySelectorAll('button')];
    const at = buttons.indexOf(document.activeElement);
    buttons[Math.min(buttons.length - 1, Math.max(0, at + step))]?.focus();
  }

  document.addEventListener('keydown', (event) => {
    const typing = ['INPUT', 'SELECT'].includes(document.activeElement?.tagName);
    if (event.key === 'Escape' && open !== null) hide();
    else if (typing || event.ctrlKey || event.altKey || event.metaKey) return;
    else if (event.key === '/') byId('peer').focus();
    else if (event.key === 'ArrowDown') move(1);
    else if (event.key === 'ArrowUp') move(-1);
    else return;
    event.preventDefault();
  });

  const filters = byId('filters');
  filters.addEventListener('input', showList);
  filters.addEventListener('reset', () => setTimeout(showList));
  filters.addEventListener('submit', (event) => event.preventDefault());

  const events = new EventSource('events');
  events.addEventListener('open', () => { byId('state').textContent = 'live'; });
  events.addEventListener('error', () => { byId('state').textContent = 'not connected, trying again'; });
  events.addEventListener('message', (event) => receive(JSON.parse(event.data)));
})();
