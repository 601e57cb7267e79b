'use strict';

// A page in headless Chromium, controlled by the DevTools protocol.

const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { WebSocket } = require('ws');

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'chrome'];
const binary = process.env.CHROMIUM ?? NAMES.find((name) => !spawnSync(name, ['--version'], { stdio: 'ignore' }).error);

/** The reason why there is no browser here, or false. */
const missing = binary === undefined ? 'Chromium is not installed' : false;

class Browser {
  constructor(child, dir, socket) {
    this.child = child;
    this.dir = dir;
    this.socket = socket;
    this.last = 0;
    this.waiting = new Map();
    this.logs = []; // what the page logged, and what its policy refused
    this.listeners = new Map(); // by the name of an event
    socket.on('message', (text) => this.receive(JSON.parse(text)));
  }

  static async start() {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-chromium-'));
    const child = spawn(binary, [
      '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--hide-scrollbars',
      '--remote-debugging-port=0', `--user-data-dir=${dir}`, 'about:blank',
    ], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    const address = await new Promise((resolve, reject) => {
      child.stderr.on('data', (data) => {
        said += data;
        const [, found] = /DevTools listening on (\S+)/.exec(said) ?? [];
        if (found) resolve(found);
      });
      child.on('exit', () => reject(new Error(`Chromium ended: ${said}`)));
    });
    const socket = new WebSocket(address);
    await once(socket, 'open');
    const browser = new Browser(child, dir, socket);
    const { targetId } = await browser.call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.call('Target.attachToTarget', { targetId, flatten: true });
    browser.session = sessionId;
    for (const domain of ['Page', 'Runtime', 'Log']) await browser.call(`${domain}.enable`);
    return browser;
  }

  receive({ id, result, error, method, params }) {
    if (id === undefined) {
      if (method === 'Log.entryAdded') this.logs.push(params.entry.text);
      if (method === 'Runtime.exceptionThrown') this.logs.push(params.exceptionDetails.exception?.description);
      if (method === 'Page.javascriptDialogOpening') this.logs.push('dialog');
      this.listeners.get(method)?.(params);
      return;
    }
    const [resolve, reject] = this.waiting.get(id);
    this.waiting.delete(id);
    if (error) reject(new Error(error.message));
    else resolve(result);
  }

  call(method, params = {}) {
    const id = ++this.last;
    this.socket.send(JSON.stringify({ id, method, params, sessionId: this.session }));
    return new Promise((resolve, reject) => this.waiting.set(id, [resolve, reject]));
  }

  /** The value of an expression. */
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.call('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until an expression is true. */
  async until(expression) {
    while (!await this.evaluate(`Boolean(${expression})`)) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async key(key, text) {
    const code = { ArrowDown: 40, ArrowUp: 38, Enter: 13, Escape: 27, Tab: 9, '/': 191 }[key];
    const event = { key, windowsVirtualKeyCode: code, ...(text === undefined ? {} : { text }) };
    await this.call('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
    await this.call('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  /** The size of the window, and light or dark. */
  async look(width, height, scheme) {
    await this.call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
    await this.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
  }

  async screenshot() {
    const { data } = await this.call('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(data, 'base64');
  }

  async stop() {
    this.child.removeAllListeners('exit');
    const ended = once(this.child, 'exit');
    this.call('Browser.close').catch(() => {});
    await ended;
    this.socket.terminate();
    fs.rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

module.exports = { Browser, missing };
