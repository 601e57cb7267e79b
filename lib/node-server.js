'use strict';
// Level `node`: Node's own server, with the counters on top. Needs no binary.

const kCounts = Symbol('ferrohttp.counts');

/** A server class like Node's `Base`, that counts refusals. */
function countingServer(Base) {
  function Server(options, requestListener) {
    if (!(this instanceof Server)) return new Server(options, requestListener);
    Base.call(this, options, requestListener);
    Object.defineProperty(this, kCounts, { value: new Map() });
  }
  Object.setPrototypeOf(Server.prototype, Base.prototype);
  Object.setPrototypeOf(Server, Base);

  Object.defineProperty(Server.prototype, 'emit', {
    value: function emit(event, error) {
      if (event === 'clientError') {
        const code = typeof error?.code === 'string' ? error.code : 'UNKNOWN';
        this[kCounts].set(code, (this[kCounts].get(code) ?? 0) + 1);
      }
      return Reflect.apply(Base.prototype.emit, this, arguments);
    },
    writable: true,
    configurable: true,
  });

  Server.prototype.clientErrorCounts = function clientErrorCounts() {
    const counts = { total: 0 };
    for (const [code, times] of this[kCounts]) {
      counts[code] = times;
      counts.total += times;
    }
    return counts;
  };

  return Server;
}

module.exports = { countingServer };
