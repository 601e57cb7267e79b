'use strict';

// flooded.js [OPTIONS [quiet|told [PATH]]]: a server with these options (JSON) that is flooded with refusals while, unless
// quiet, somebody listens to the channel. It tells its parent what that cost when it is asked. FERROHTTP_IMPL
// is the path of ferrohttp.

const dc = require('node:diagnostics_channel');
const { performance } = require('node:perf_hooks');
const { createServer } = require(process.env.FERROHTTP_IMPL);

const [, , options = '{}', quiet = 'told', path] = process.argv;

let messages = 0;
let told = 0;

if (quiet === 'told') {
  dc.subscribe('ferrohttp.server.refusals', ({ refusals, lost }) => {
    messages++;
    told += refusals.length + lost;
  });
}

const server = createServer(JSON.parse(options), (req, res) => {
  req.resume();
  req.on('end', () => res.end('hello\n'));
});

function report() {
  globalThis.gc?.();
  return {
    messages,
    told,
    loops: performance.nodeTiming.uvMetricsInfo?.loopCount,
    rss: process.memoryUsage.rss(),
    stats: server.refusalStats(),
    refusals: server.refusals(),
  };
}

process.on('message', () => process.send(report()));
process.on('disconnect', () => process.exit());
server.listen(path ?? { port: 0, host: '127.0.0.1' }, () => process.send({ port: server.address().port }));
