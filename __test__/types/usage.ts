// Compiled, never run: what index.d.ts must accept, refuse and infer, through `require`.

import ferrohttp = require('ferrohttp');
import http = require('node:http');
import net = require('node:net');
import { Duplex } from 'node:stream';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

const server = ferrohttp.createServer((req, res) => {
  same<typeof req, http.IncomingMessage>(true);
  res.setHeader('content-type', 'text/plain').end(req.url);
});
same<typeof server, ferrohttp.Server>(true);

// Usable wherever node:http's server is.
const plain: http.Server = server;
const asListener: net.Server = new ferrohttp.Server({ keepAlive: true, maxHeaderSize: 8192 });
// @ts-expect-error maxHeaderSize is a number
ferrohttp.createServer({ maxHeaderSize: '8192' });
void [plain, asListener];

// The documentation's listener.
server.on('clientError', (err, socket) => {
  if (err.code === 'ECONNRESET' || !socket.writable) {
    return;
  }
  socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
});

server.once('clientError', (err, socket) => {
  same<typeof err, ferrohttp.ClientError>(true);
  same<typeof socket, Duplex>(true);
  same<typeof err.bytesParsed, number | undefined>(true);
  same<typeof err.rawPacket, Buffer | undefined>(true);
  same<typeof err.reason, string | undefined>(true);
  const dump = err.rawPacket?.subarray(0, err.bytesParsed).toString('latin1');
  void dump;
  // @ts-expect-error there is no such property
  void err.bytesparsed;
});
server.addListener('clientError', (err) => same<typeof err, ferrohttp.ClientError>(true));
server.prependListener('clientError', (err) => same<typeof err, ferrohttp.ClientError>(true));
server.prependOnceListener('clientError', (err) => same<typeof err, ferrohttp.ClientError>(true));

// Listeners written for node:http, and for net.Socket.
server.on('clientError', (err: Error, socket: Duplex) => socket.destroy(err));
server.on('clientError', (err: NodeJS.ErrnoException, socket: net.Socket) => socket.destroy(err));

// The other events keep their types.
server.on('request', (req, res) => res.end(req.method));
server.on('upgrade', (_req, socket, head) => socket.unshift(head));
server.on('connection', (socket) => same<typeof socket, net.Socket>(true));
server.on('error', (err) => same<typeof err, Error>(true));
server.on('listening', () => server.address());
server.on('something else', (a, b) => void [a, b]);
server.on('request', () => {}).on('close', () => {}).clientErrorCounts();
server.off('request', () => {}).removeAllListeners('clientError');

const counts = server.clientErrorCounts();
same<typeof counts.total, number>(true);
same<typeof counts.HPE_INVALID_METHOD, number | undefined>(true);
const code: ferrohttp.ParseErrorCode = 'HPE_INVALID_METHOD';
// @ts-expect-error not a code
const none: ferrohttp.ParseErrorCode = 'HPE_NONE';
void [code, none];
// @ts-expect-error node:http has no counters
plain.clientErrorCounts();

// Classes of the caller's own.
class Message extends http.IncomingMessage {
  seen = 1;
}
ferrohttp.createServer({ IncomingMessage: Message }, (req) => req.seen);

// The rest of http, as it is.
const agent: http.Agent = ferrohttp.globalAgent;
const request: typeof http.request = ferrohttp.request;
same<typeof ferrohttp.METHODS, typeof http.METHODS>(true);
class Derived extends ferrohttp.Server {}
void [agent, request, new Derived().listen(0).unref()];

// What operators see.
import * as observe from 'ferrohttp/observe';
import * as secure from 'ferrohttp/https';

const watched = ferrohttp.createServer({ refusals: { keep: 10, redact: { query: true }, log: 'stderr' } });
ferrohttp.createServer({ refusals: { log: (entry) => (entry.event === 'first' ? entry.refusal.code : entry.count) } }, (req) => req.url);
// @ts-expect-error there is no such option
ferrohttp.createServer({ refusals: { nonsense: true } });
const [refusal] = watched.refusals({ after: 3, code: 'HPE_INVALID_METHOD' });
same<typeof refusal, ferrohttp.Refusal>(true);
same<typeof refusal.status, number | null>(true);
void [refusal.at?.field, refusal.limit?.largest?.[0].bytes, refusal.excerpt?.bytes.toString('hex')];
const { kinds, peers } = watched.refusalStats();
void [kinds[0].count, peers[0].address, observe.format(refusal)];
const text: string = observe.prometheus([watched, secure.createServer({ refusals: {} })]);
const explanation = observe.explain(Buffer.from('GET'), { node: 24, fin: true });
if (explanation.refusal !== undefined) observe.format(explanation.refusal);
watched.on('clientError', (err) => observe.explain(err).refusal?.hint?.id);
// @ts-expect-error there is no such release line
observe.explain('', { node: 19 });
watched.on('request', observe.page(watched, { allow: 'any', hosts: ['example.com'] }));
void [text, secure.createServer({}).refusalStats().handshakes.plainHttp];
