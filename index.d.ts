/// <reference types="node" />

import * as http from 'node:http';
import * as net from 'node:net';
import { Duplex } from 'node:stream';

// Everything else of the host's http, as it is.
export * from 'node:http';

/**
 * `code` of a refusal by the HTTP/1 parser. Which request gives which, with its `reason`, offset
 * and default reply: docs/client-error.md.
 */
export type ParseErrorCode =
  | 'HPE_INVALID_METHOD'
  | 'HPE_INVALID_URL'
  | 'HPE_INVALID_CONSTANT'
  | 'HPE_INVALID_VERSION'
  | 'HPE_STRICT'
  | 'HPE_UNEXPECTED_SPACE'
  | 'HPE_INVALID_HEADER_TOKEN'
  | 'HPE_CR_EXPECTED'
  | 'HPE_LF_EXPECTED'
  | 'HPE_INVALID_CONTENT_LENGTH'
  | 'HPE_UNEXPECTED_CONTENT_LENGTH'
  | 'HPE_INVALID_TRANSFER_ENCODING'
  | 'HPE_INVALID_CHUNK_SIZE'
  | 'HPE_CLOSED_CONNECTION'
  | 'HPE_PAUSED_H2_UPGRADE'
  | 'HPE_INVALID_EOF_STATE'
  | 'HPE_HEADER_OVERFLOW'
  | 'HPE_CHUNK_EXTENSIONS_OVERFLOW';

/**
 * `code` of a {@link ClientError}: a parse error, `ERR_HTTP_REQUEST_TIMEOUT` (the head or the
 * request did not arrive within `headersTimeout` or `requestTimeout`), or what the operating
 * system said of the connection (`ECONNRESET`, `EPIPE`, `ETIMEDOUT`, ...).
 */
export type ClientErrorCode =
  | ParseErrorCode
  | 'ERR_HTTP_REQUEST_TIMEOUT'
  | 'ECONNRESET'
  | 'EPIPE'
  | 'ETIMEDOUT'
  | (string & {});

/**
 * The error of a 'clientError' event: a plain `Error` with the own properties that Node gives it.
 *
 * | Source | Properties |
 * |---|---|
 * | a packet that is not HTTP | `bytesParsed`, `code`, `reason`, `rawPacket`; message `Parse Error: ` and the reason |
 * | FIN inside a message | `bytesParsed` (0), `code` (`HPE_INVALID_EOF_STATE`), `reason`; message `Parse Error` |
 * | an error of the socket | `errno`, `code`, `syscall`, or those of the error that destroyed it |
 * | a timeout | `code` (`ERR_HTTP_REQUEST_TIMEOUT`); message `Request timeout` |
 */
export interface ClientError extends Error {
  /** What happened. Absent only if the program destroyed the socket with an error of its own. */
  code?: ClientErrorCode;

  /**
   * Bytes of the current packet that were parsed before the error: an offset from its first byte,
   * 0 to 65536, not counted from the start of the message or of the connection. It points at the
   * byte that was refused or just behind it, as docs/client-error.md says for each reason. A
   * repeated error on the same connection has the offset of the first. Parse errors only.
   */
  bytesParsed?: number;

  /** The parser's words, such as `Invalid header token`. Parse errors only. */
  reason?: string;

  /**
   * A copy of the packet that was being parsed: what one read returned, at most 65536 bytes, those
   * behind the error included. Of a head that came in several packets it is the last. Absent at
   * FIN, where there is no packet.
   */
  rawPacket?: Buffer;

  /** The system's error number, negative as in libuv. Socket errors only. */
  errno?: number;

  /** The system call that failed: `read`, `write` or `shutdown`. Socket errors only. */
  syscall?: string;
}

/** What {@link Server.clientErrorCounts} returns: refusals by code. A code not yet seen is absent. */
export interface ClientErrorCounts {
  /** All refusals: the sum of the others. */
  total: number;
  /** Refusals with that `code`; those without a code are under `UNKNOWN`. */
  [code: string]: number | undefined;
}

/** One end of a connection. */
export interface RefusalAddress {
  address: string;
  port: number;
  family: 'IPv4' | 'IPv6';
}

/** What a server keeps of one refusal (docs/observability.md). Strings of strangers are latin1. */
export interface Refusal {
  /** Its number at this server, from 1. */
  seq: number;
  /** Milliseconds since the epoch. */
  time: number;
  /** As on the error, like `reason`. */
  code: string;
  reason?: string;
  /** Of the reply; null if there was none from the server itself or by `refuse`. */
  status: number | null;
  /**
   * A reply was sent; a 'clientError' listener got it and did something else than `refuse`; the connection was closed
   * without a word; or it was closed before anything was read of it, at `maxConnections` or by `blockList`, which is no
   * 'clientError': the code is then `DROPPED`.
   */
  outcome: 'reply' | 'listener' | 'closed' | 'dropped';
  /** How far the message had come. */
  phase: 'silent' | 'start-line' | 'head' | 'body' | 'chunk' | 'trailers' | 'between';
  peer?: RefusalAddress;
  /** Refusals of this peer so far, this one included; with very many peers it may be too high. */
  ofPeer?: number;
  local?: RefusalAddress;
  /** Milliseconds since it began; heads that were complete; bytes that were read. */
  connection: { age: number; requests: number; bytesRead: number };
  /** The message that was refused, as far as it was known. A long target or host is cut. */
  request?: { method?: string; target?: string; host?: string; fields: number; contentLength?: number; bodyReceived: number };
  /** The message before it on the connection. */
  previous?: { method: string; contentLength?: number };
  /** The refused byte: offsets in its packet, its message and its connection. */
  at?: {
    packet: number;
    /** Absent, like `connection`, where only a packet is known. */
    message?: number;
    connection?: number;
    /** Absent where it is not one byte: a limit. */
    byte?: number;
    field?: string;
    part: 'method' | 'target' | 'protocol' | 'version' | 'line-end' | 'preface' | 'field-name' | 'field-value' |
      'head-end' | 'body' | 'chunk-size' | 'chunk-extension' | 'chunk-data' | 'message';
    /** Bytes of the target, the name or the value before it. */
    index?: number;
  };
  /** The limit that was reached. `seen` is a lower bound; `largest` are the three largest parts of the head. */
  limit?: {
    name: 'maxHeaderSize' | 'maxHeadersCount' | 'chunkExtensions' | 'headersTimeout' | 'requestTimeout' | 'maxConnections';
    value: number;
    seen: number;
    change: string;
    largest?: Array<{ name: string; bytes: number }>;
  };
  /** What should have come, at FIN, reset and timeout. */
  awaited?: string;
  /** What it most likely was. */
  hint?: { id: string; text: string; certain: boolean };
  /** The packet around the error; `from` is an offset in the packet. Secrets are `*`. */
  excerpt?: { bytes: Buffer; from: number; clipped: boolean; redacted: number };
  /** A further event of the same error. */
  repeat: boolean;
}

/** What {@link Server.refusalStats} returns. Counts are exact. */
export interface RefusalStats {
  total: number;
  /** By code, reason and hint. Codes that the program made itself are under `OTHER`. */
  kinds: Array<{ code: string; reason?: string; hint?: string; count: number }>;
  /** Refusals of further kinds, beyond the first 96. */
  others: number;
  /** Refusals of which nothing was kept but the counts. */
  skipped: number;
  /** Connections that were dropped at `maxConnections`, which are also in `total` and `kinds`. */
  dropped: number;
  /** Connections that the client ended without having sent a byte. */
  silent: number;
  /** Connections that the server closed between two requests: by `keepAliveTimeout`, or by the program. */
  idleCloses: number;
  /** Those of them on which the next request was on its way. Where Node does the I/O, only plain sockets tell. */
  keepAliveRaces: number;
  /** Messages that lenient parsing (`insecureHTTPParser`) let through, by the code of strict parsing. A message may have several. */
  tolerated: Array<{ code: string; count: number }>;
  /** Who was refused most, at most 20. */
  peers: RefusalPeer[];
  /** Whose idle connections were closed most, likewise. */
  idlePeers: RefusalPeer[];
  /** What the numbers most likely mean. */
  advice: Array<{ id: 'one-peer' | 'slowloris' | 'keep-alive-races' | 'idle-closes-one-peer'; text: string; peer?: string }>;
}

/** An address, IPv6 as its /64, and how often it was counted: too often by `error` at most. */
export interface RefusalPeer {
  address: string;
  count: number;
  error: number;
}

/** The option `refusals` of a server. */
export interface RefusalOptions {
  /** How many are kept for being the last, 0 to 64; with 0 they are only counted. Default: 64. */
  keep?: number;
  /** Bytes of a packet that are kept, 0 to 256. Default: 256. */
  excerpt?: number;
  /**
   * What is hidden beside the values of Authorization, Proxy-Authorization, Cookie, Set-Cookie and
   * X-API-Key: those of further fields, and those in queries.
   */
  redact?: { fields?: string[]; query?: boolean };
  /** What clients get in the place of Node's replies, by code or for every other code. Sent without JavaScript where it can be. */
  replies?: { [code in ParseErrorCode | 'ERR_HTTP_REQUEST_TIMEOUT' | 'default']?: RefusalReply };
  /**
   * Milliseconds, 0 to 60,000, for which a refused connection is read after the reply and FIN, so that
   * the client gets the reply instead of a reset: Node closes at once. Default: 0.
   */
  linger?: number;
  /**
   * Strangers are refused without JavaScript even if `emit` of the server was replaced, as instruments
   * of OpenTelemetry do, which then do not see them. Default: false.
   */
  native?: boolean;
  /** The first of each kind at once, and a summary a minute: to a function, or as lines to stderr. */
  log?: 'stderr' | ((entry: RefusalLogEntry) => void) | null;
}

/** A reply to a refusal. With its body it has at most 16 KiB. */
export interface RefusalReply {
  /** 400 to 599. */
  status: number;
  /** `Content-Length` and `Connection: close` are added. */
  headers?: Record<string, string>;
  /**
   * `{code}`, `{reason}`, `{field}` (the name of the field that was refused) and `{id}` (the refusal's
   * `seq`) are filled in, escaped for JSON or HTML if Content-Type says so.
   */
  body?: string;
}

/** What a log is given. */
export type RefusalLogEntry =
  | { event: 'first'; refusal: Refusal }
  | {
      event: 'summary';
      /** Milliseconds that it is about. */
      ms: number;
      count: number;
      kinds: RefusalStats['kinds'];
      peers: RefusalStats['peers'];
    };

/** What a server is made with. */
export interface ServerOptions<
  Request extends typeof http.IncomingMessage = typeof http.IncomingMessage,
  Response extends typeof http.ServerResponse<InstanceType<Request>> = typeof http.ServerResponse,
> extends http.ServerOptions<Request, Response> {
  /** What is kept of refusals. The environment's FERROHTTP_REFUSALS has the same as JSON, for servers without it. */
  refusals?: RefusalOptions;
}

/**
 * Node's `http.Server` with sockets and parser in Rust. An instance is an instance of
 * `http.Server` as well, with its properties, methods, events and errors, as the Node that runs
 * the program has them.
 *
 * @since v0.1.0, for Node 20 and newer
 */
export class Server<
  Request extends typeof http.IncomingMessage = typeof http.IncomingMessage,
  Response extends typeof http.ServerResponse<InstanceType<Request>> = typeof http.ServerResponse,
> extends http.Server<Request, Response> {
  constructor(requestListener?: http.RequestListener<Request, Response>);
  constructor(
    options: ServerOptions<Request, Response>,
    requestListener?: http.RequestListener<Request, Response>,
  );

  /**
   * How many connections and packets were refused since the server was made, by code: every
   * 'clientError' that was emitted, or would have been had there been a listener. The counters
   * never go down and are exact also under load. Each call returns a new object.
   *
   * ```js
   * server.clientErrorCounts(); // { total: 3, HPE_INVALID_METHOD: 2, ECONNRESET: 1 }
   * ```
   *
   * @since v0.1.0; `http.Server` has no such method
   */
  clientErrorCounts(): ClientErrorCounts;

  /**
   * The refusals that are kept, the oldest first: the last ones and, whatever came after, the first
   * and the last of each kind. The filter takes those of higher numbers than `after`, and of a code, a
   * hint's id or a peer's address.
   *
   * @since v0.1.0; `http.Server` has no such method
   */
  refusals(filter?: { after?: number; code?: string; hint?: string; peer?: string }): Refusal[];

  /** Counts of refusals by kind, of connections, and of peers. */
  refusalStats(): RefusalStats;

  /**
   * 'clientError' comes with a {@link ClientError} and the connection's socket: a `net.Socket`, or the
   * very stream that was given to `server.emit('connection', stream)`. A listener takes over: nothing
   * is written or closed for it, and the event comes again for each later packet. With no listener
   * the client gets 400, 431 (`HPE_HEADER_OVERFLOW`), 413 (`HPE_CHUNK_EXTENSIONS_OVERFLOW`) or 408
   * (`ERR_HTTP_REQUEST_TIMEOUT`), unless a response has begun, and the socket is destroyed.
   */
  on(event: 'clientError', listener: (exception: ClientError, socket: Duplex) => void): this;
  on(event: 'request' | 'checkContinue' | 'checkExpectation', listener: http.RequestListener<Request, Response>): this;
  on(event: 'connect' | 'upgrade', listener: (req: InstanceType<Request>, socket: Duplex, head: Buffer) => void): this;
  on(event: 'dropRequest', listener: (req: InstanceType<Request>, socket: Duplex) => void): this;
  on(event: 'connection', listener: (socket: net.Socket) => void): this;
  on(event: 'drop', listener: (data?: net.DropArgument) => void): this;
  on(event: 'close' | 'listening', listener: () => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: string | symbol, listener: (...args: any[]) => void): this;

  once(event: 'clientError', listener: (exception: ClientError, socket: Duplex) => void): this;
  once(event: 'request' | 'checkContinue' | 'checkExpectation', listener: http.RequestListener<Request, Response>): this;
  once(event: 'connect' | 'upgrade', listener: (req: InstanceType<Request>, socket: Duplex, head: Buffer) => void): this;
  once(event: 'dropRequest', listener: (req: InstanceType<Request>, socket: Duplex) => void): this;
  once(event: 'connection', listener: (socket: net.Socket) => void): this;
  once(event: 'drop', listener: (data?: net.DropArgument) => void): this;
  once(event: 'close' | 'listening', listener: () => void): this;
  once(event: 'error', listener: (error: Error) => void): this;
  once(event: string | symbol, listener: (...args: any[]) => void): this;

  addListener(event: 'clientError', listener: (exception: ClientError, socket: Duplex) => void): this;
  addListener(event: 'request' | 'checkContinue' | 'checkExpectation', listener: http.RequestListener<Request, Response>): this;
  addListener(event: 'connect' | 'upgrade', listener: (req: InstanceType<Request>, socket: Duplex, head: Buffer) => void): this;
  addListener(event: 'dropRequest', listener: (req: InstanceType<Request>, socket: Duplex) => void): this;
  addListener(event: 'connection', listener: (socket: net.Socket) => void): this;
  addListener(event: 'drop', listener: (data?: net.DropArgument) => void): this;
  addListener(event: 'close' | 'listening', listener: () => void): this;
  addListener(event: 'error', listener: (error: Error) => void): this;
  addListener(event: string | symbol, listener: (...args: any[]) => void): this;

  prependListener(event: 'clientError', listener: (exception: ClientError, socket: Duplex) => void): this;
  prependListener(event: 'request' | 'checkContinue' | 'checkExpectation', listener: http.RequestListener<Request, Response>): this;
  prependListener(event: 'connect' | 'upgrade', listener: (req: InstanceType<Request>, socket: Duplex, head: Buffer) => void): this;
  prependListener(event: 'dropRequest', listener: (req: InstanceType<Request>, socket: Duplex) => void): this;
  prependListener(event: 'connection', listener: (socket: net.Socket) => void): this;
  prependListener(event: 'drop', listener: (data?: net.DropArgument) => void): this;
  prependListener(event: 'close' | 'listening', listener: () => void): this;
  prependListener(event: 'error', listener: (error: Error) => void): this;
  prependListener(event: string | symbol, listener: (...args: any[]) => void): this;

  prependOnceListener(event: 'clientError', listener: (exception: ClientError, socket: Duplex) => void): this;
  prependOnceListener(event: 'request' | 'checkContinue' | 'checkExpectation', listener: http.RequestListener<Request, Response>): this;
  prependOnceListener(event: 'connect' | 'upgrade', listener: (req: InstanceType<Request>, socket: Duplex, head: Buffer) => void): this;
  prependOnceListener(event: 'dropRequest', listener: (req: InstanceType<Request>, socket: Duplex) => void): this;
  prependOnceListener(event: 'connection', listener: (socket: net.Socket) => void): this;
  prependOnceListener(event: 'drop', listener: (data?: net.DropArgument) => void): this;
  prependOnceListener(event: 'close' | 'listening', listener: () => void): this;
  prependOnceListener(event: 'error', listener: (error: Error) => void): this;
  prependOnceListener(event: string | symbol, listener: (...args: any[]) => void): this;
}

/**
 * Makes a server, as `http.createServer` does: same options and defaults, same errors for bad ones
 * (`ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`, ...), those of the Node that runs the program.
 *
 * ```js
 * const server = createServer((req, res) => res.end('hello'));
 * server.on('clientError', (err, socket) => {
 *   if (err.code === 'ECONNRESET' || !socket.writable) return;
 *   socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
 * });
 * server.listen(8000);
 * ```
 *
 * @param requestListener is added to the 'request' event
 * @since v0.1.0, for Node 20 and newer
 */
export function createServer<
  Request extends typeof http.IncomingMessage = typeof http.IncomingMessage,
  Response extends typeof http.ServerResponse<InstanceType<Request>> = typeof http.ServerResponse,
>(requestListener?: http.RequestListener<Request, Response>): Server<Request, Response>;
export function createServer<
  Request extends typeof http.IncomingMessage = typeof http.IncomingMessage,
  Response extends typeof http.ServerResponse<InstanceType<Request>> = typeof http.ServerResponse,
>(
  options: ServerOptions<Request, Response>,
  requestListener?: http.RequestListener<Request, Response>,
): Server<Request, Response>;
