// Compiled, never run: what index.d.mts must accept, through `import`.

import ferrohttp, { createServer, get, Server, STATUS_CODES } from 'ferrohttp';
import type { ClientError, ClientErrorCounts, IncomingMessage, ServerResponse } from 'ferrohttp';
import * as everything from 'ferrohttp';

function handler(req: IncomingMessage, res: ServerResponse): void {
  res.end(`${req.url} ${STATUS_CODES[200]}`);
}

const server: Server = createServer(handler);
server.on('clientError', (err: ClientError) => err.bytesParsed);
const counts: ClientErrorCounts = ferrohttp.createServer(handler).clientErrorCounts();
const again: typeof createServer = everything.createServer;
const same: Server = new everything.default.Server(handler);
void [counts, again, same, get];

import { createServer as createSecureServer, Server as SecureServer, globalAgent } from 'ferrohttp/https';
import https from 'ferrohttp/https';

const secure: SecureServer = createSecureServer({ key: '', cert: '' }, handler);
secure.on('clientError', (err: ClientError, socket) => void [err.rawPacket, socket]);
secure.on('tlsClientError', (err, socket) => void [err.message, socket.destroy()]);
const secureCounts: ClientErrorCounts = https.createServer().clientErrorCounts();
void [secureCounts, globalAgent];
