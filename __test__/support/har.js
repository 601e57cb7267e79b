'use strict';

// Makes a HAR 1.2 file from events of the DevTools protocol, as the export of a browser's network log does.

const list = (headers) => Object.entries(headers).map(([name, value]) => ({ name, value }));

class NetworkLog {
  constructor(browser) {
    this.browser = browser;
    this.requests = new Map(); // by the protocol's id
  }

  async start() {
    const { browser } = this;
    const of = ({ requestId }) => {
      if (!this.requests.has(requestId)) this.requests.set(requestId, {});
      return this.requests.get(requestId);
    };
    browser.listeners.set('Network.requestWillBeSent', (params) => {
      Object.assign(of(params), { request: params.request, wallTime: params.wallTime, begun: params.timestamp });
    });
    // The fields as they were sent, with the cookies.
    browser.listeners.set('Network.requestWillBeSentExtraInfo', (params) => { of(params).sent = params.headers; });
    browser.listeners.set('Network.responseReceived', (params) => { of(params).response = params.response; });
    browser.listeners.set('Network.loadingFinished', (params) => { of(params).ended = params.timestamp; });
    browser.listeners.set('Network.loadingFailed', (params) => { of(params).ended = params.timestamp; });
    await browser.call('Network.enable');
  }

  /** The log, once every request of `count` has ended. */
  async har(count) {
    const complete = () => [...this.requests.values()].filter((each) => each.ended !== undefined && each.sent !== undefined);
    while (complete().length < count) await new Promise((resolve) => setTimeout(resolve, 20));
    const { product } = await this.browser.call('Browser.getVersion');
    const [name, version] = product.split('/');
    return { log: { version: '1.2', creator: { name, version }, entries: complete().map(entry) } };
  }
}

function entry({ request, sent, response, wallTime, begun, ended }) {
  const time = (ended - begun) * 1000;
  const url = new URL(request.url);
  return {
    startedDateTime: new Date(wallTime * 1000).toISOString(),
    time,
    request: {
      method: request.method, url: request.url, httpVersion: 'HTTP/1.1', headers: list(sent),
      queryString: Array.from(url.searchParams, ([name, value]) => ({ name, value })), cookies: [],
      headersSize: -1, bodySize: request.postData?.length ?? 0,
      ...(request.postData === undefined ? {} : { postData: { mimeType: request.headers['Content-Type'] ?? '', text: request.postData } }),
    },
    response: {
      status: response?.status ?? 0, statusText: response?.statusText ?? '', httpVersion: response?.protocol ?? '',
      headers: list(response?.headers ?? {}), cookies: [], content: { size: 0, mimeType: response?.mimeType ?? '' },
      redirectURL: '', headersSize: -1, bodySize: -1,
    },
    cache: {},
    timings: { send: 0, wait: time, receive: 0 },
  };
}

module.exports = { NetworkLog };
