/// <reference types="node" />

import * as http from 'node:http';
import * as net from 'node:net';
import { Duplex } from 'node:stream';

// All other members of Node's http are exported unchanged.
export * from 'node:http';

/**
 * The `code` of an error of the HTTP/1 parser (RFC 9112). The names are those of llhttp, Node's parser.
 * docs/client-error.md lists each with its reasons, a request that causes it, the offset and the default reply.
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
 * The `code` of a {@link ClientError}:
 * - a parse error;
 * - `ERR_HTTP_REQUEST_TIMEOUT`: the head or the request did not arrive within `headersTimeout` or `requestTimeout`;
 * - an error of the operating system: `ECONNRESET`, `EPIPE`, `ETIMEDOUT`, ...;
 * - `ERR_FERROHTTP_INTERNAL`: a fault of ferrohttp itself ended the connection;
 * - the code of an error with which the program destroyed the socket.
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
 * | Source | Message | Properties |
 * |---|---|---|
 * | a packet that is not HTTP | `Parse Error: ` and the reason | `bytesParsed`, `code`, `reason`, `rawPacket` |
 * | FIN inside a message | `Parse Error` | `bytesParsed` (0), `code` (`HPE_INVALID_EOF_STATE`), `reason` |
 * | an error of the socket | that of the error | `errno`, `code`, `syscall`, or those of the error with which the socket was destroyed |
 * | a timeout | `Request timeout` | `code` (`ERR_HTTP_REQUEST_TIMEOUT`) |
 */
export interface ClientError extends Error {
  /** What happened. It is absent only if the program destroyed the socket with an error that has no code. */
  code?: ClientErrorCode;

  /**
   * The offset of the error in bytes, 0 to 65,536. It counts from the first byte of the packet, not of the message or the
   * connection. It is the offset of the refused byte or of the byte behind it: docs/client-error.md says which for
   * each reason. A repeated error on the same connection has the offset of the first one. Only parse errors have it.
   */
  bytesParsed?: number;

  /** The parser's description, such as `Invalid header token`. Only parse errors have it. */
  reason?: string;

  /**
   * A copy of the packet that was refused, 1 to 65,536 bytes, from its first byte to its last. A packet is what one read of the
   * socket returned. If a head came in several packets, this is the last of them. An error at FIN has none.
   */
  rawPacket?: Buffer;

  /** The system's error number, negative as in libuv. Only socket errors have it. */
  errno?: number;

  /** The system call that failed: `read`, `write` or `shutdown`. Only socket errors have it. */
  syscall?: string;
}

/** Refusals by code, as {@link Server.clientErrorCounts} returns them. A code that did not occur is absent. */
export interface ClientErrorCounts {
  /** The sum of all other members. */
  total: number;
  /**
   * Refusals with this `code`. Errors without a string as code count under `UNKNOWN`. At most 256 codes beside the parser's
   * count apart; further ones count under `OTHER`.
   */
  [code: string]: number | undefined;
}

/** One end of a connection. */
export interface RefusalAddress {
  address: string;
  port: number;
  family: 'IPv4' | 'IPv6';
}

/**
 * What a server keeps of one refusal (docs/observability.md). A string that holds bytes of the client has one character for
 * each byte (latin1). An absent member is not known or does not apply.
 */
export interface Refusal {
  /** The number of the refusal at this server, from 1. */
  seq: number;
  /** When it happened, in milliseconds since the epoch. */
  time: number;
  /** `code` of the error. */
  code: string;
  /** `reason` of the error. */
  reason?: string;
  /** The status of the reply. It is null if neither the server nor `refuse` sent one. */
  status: number | null;
  /**
   * - `reply`: the server, or `refuse`, sent a reply and closed the connection.
   * - `listener`: a 'clientError' listener got the error. What it did is not known, unless it called `refuse`.
   * - `closed`: the server closed the connection without a reply.
   * - `dropped`: the connection was closed before anything was read of it, at `maxConnections` or because its address is in
   *   `blockList`. There is no error and no 'clientError' event; `code` is `DROPPED`.
   */
  outcome: 'reply' | 'listener' | 'closed' | 'dropped';
  /** What the parser was in the middle of. `silent`: the connection has sent nothing; `between`: between two messages. */
  phase: 'silent' | 'start-line' | 'head' | 'body' | 'chunk' | 'trailers' | 'between';
  /** The client. */
  peer?: RefusalAddress;
  /** How many refusals this peer has had, this one included. With more than 128 peers it may be too high. */
  ofPeer?: number;
  /** The server's end of the connection. */
  local?: RefusalAddress;
  /** The age of the connection in milliseconds, its complete heads, and the bytes that were read from it. */
  connection: { age: number; requests: number; bytesRead: number };
  /** The refused message, as far as it was read. The target is cut at 96 bytes, the host at 48. */
  request?: { method?: string; target?: string; host?: string; fields: number; contentLength?: number; bodyReceived: number };
  /** The message before it on the connection, where the refused bytes may belong to its body. */
  previous?: { method: string; contentLength?: number };
  /** Where the refused byte is. */
  at?: {
    /** Its offset from the start of the packet. */
    packet: number;
    /** Its offset from the start of the message. Absent, like `connection`, where only a packet is known. */
    message?: number;
    /** Its offset from the start of the connection. */
    connection?: number;
    /** The byte, 0 to 255. Absent for a limit, which many bytes reach together. */
    byte?: number;
    /** The name of the field line that has it. */
    field?: string;
    /** The part of the message that has it. */
    part: 'method' | 'target' | 'protocol' | 'version' | 'line-end' | 'preface' | 'field-name' | 'field-value' |
      'head-end' | 'body' | 'chunk-size' | 'chunk-extension' | 'chunk-data' | 'message';
    /** Its offset from the start of the target, the field name or the field value. */
    index?: number;
  };
  /** The limit that was exceeded: bytes for sizes, fields for `maxHeadersCount`, milliseconds for timeouts. */
  limit?: {
    name: 'maxHeaderSize' | 'maxHeadersCount' | 'chunkExtensions' | 'headersTimeout' | 'requestTimeout' | 'maxConnections';
    /** The limit. */
    value: number;
    /** How much had come. It is a lower bound, because the server reads no further. */
    seen: number;
    /** How to change the limit, for a person. */
    change: string;
    /** For `maxHeaderSize`: the three largest parts of the head. */
    largest?: Array<{ name: string; bytes: number }>;
  };
  /** What should have come next, where the connection ended, was reset or timed out. */
  awaited?: string;
  /**
   * What the client most likely was or did, with a name for programs and a text for people. `certain` means that nothing else is known
   * to send such bytes.
   */
  hint?: { id: string; text: string; certain: boolean };
  /**
   * The bytes around the error. `from` is their offset in the packet; `clipped` means that the packet has more; `redacted` is how
   * many of them are hidden, each shown as `*`.
   */
  excerpt?: { bytes: Buffer; from: number; clipped: boolean; redacted: number };
  /** The error came again, for a further packet of a connection that a listener had left open. */
  repeat: boolean;
}

/** What {@link Server.refusalStats} returns. All counts are exact, except those of peers. */
export interface RefusalStats {
  /** All refusals. */
  total: number;
  /** Refusals by code, reason and hint. Codes of the program's own count under `OTHER`. */
  kinds: Array<{ code: string; reason?: string; hint?: string; count: number }>;
  /** Refusals of kinds beyond the first 96. */
  others: number;
  /** Refusals that were only counted. */
  skipped: number;
  /** Connections that were dropped at `maxConnections`, which are also in `total` and `kinds`. */
  dropped: number;
  /** Connections that the client ended without having sent a byte. */
  silent: number;
  /** Connections that the server closed between two requests: by `keepAliveTimeout`, or because the program asked for it. */
  idleCloses: number;
  /** Those of them that had bytes of a next request unread. TLS connections are not counted here. */
  keepAliveRaces: number;
  /** Messages that lenient parsing (`insecureHTTPParser`) accepted, by the code with which strict parsing refuses them. */
  tolerated: Array<{ code: string; count: number }>;
  /**
   * Checks of ferrohttp's own state that failed in this process; it went on with an empty value. Anything but 0 is a defect of
   * ferrohttp, which should be reported.
   */
  defects: number;
  /** The peers with the most refusals, at most 20. */
  peers: RefusalPeer[];
  /** The peers whose idle connections the server closed most often, at most 20. */
  idlePeers: RefusalPeer[];
  /** What the counts together most likely mean, and about which peer. */
  advice: Array<{ id: 'one-peer' | 'slowloris' | 'keep-alive-races' | 'idle-closes-one-peer'; text: string; peer?: string }>;
}

/** How often a peer was counted. The true count is between `count - error` and `count`. */
export interface RefusalPeer {
  /** An IPv4 address, or the /64 prefix of an IPv6 address. */
  address: string;
  count: number;
  error: number;
}

/**
 * The option `refusals` of a server. An unknown member or a value out of range throws `ERR_INVALID_ARG_VALUE`, a wrong type
 * `ERR_INVALID_ARG_TYPE`.
 */
export interface RefusalOptions {
  /** How many of the last refusals are kept, 0 to 64. With 0, refusals are only counted. Default: 64. */
  keep?: number;
  /** Bytes of a packet that a refusal keeps, 0 to 256. Default: 256. */
  excerpt?: number;
  /**
   * What excerpts hide in addition to the values of Authorization, Proxy-Authorization, Cookie, Set-Cookie and X-API-Key:
   * the values of more fields, and the values in queries. Default: `{ fields: [], query: false }`.
   */
  redact?: { fields?: string[]; query?: boolean };
  /** What clients get instead of Node's default replies, by code, or as `default` for every other code. Default: none. */
  replies?: { [code in ParseErrorCode | 'ERR_HTTP_REQUEST_TIMEOUT' | 'default']?: RefusalReply };
  /**
   * Milliseconds, 0 to 60,000, for which the server goes on reading a refused connection after the reply and FIN. Without that, a client
   * that is still sending may get a reset instead of the reply, as with Node. Default: 0.
   */
  linger?: number;
  /**
   * Whether refusals that have no 'clientError' listener bypass JavaScript even if the program has replaced `server.emit`, as
   * OpenTelemetry's HTTP instrumentation does. The replacement then does not see them. Default: false.
   */
  native?: boolean;
  /** Gets the first refusal of each kind at once, and a summary every minute. `'stderr'` writes them as lines. Default: null. */
  log?: 'stderr' | ((entry: RefusalLogEntry) => void) | null;
}

/** A reply to a refusal. Head and body together may have 16 KiB; a larger reply throws `ERR_INVALID_ARG_VALUE`. */
export interface RefusalReply {
  /** 400 to 599. */
  status: number;
  /** Fields of the reply. `Content-Length` and `Connection: close` are added, and may not be given. Default: none. */
  headers?: Record<string, string>;
  /**
   * The body. `{code}`, `{reason}`, `{field}` (the name of the refused field) and `{id}` (`seq` of the refusal) are replaced. Their
   * values are escaped for JSON or HTML if Content-Type says that the body is that. Default: empty.
   */
  body?: string;
}

/** What the option `log` gets. */
export type RefusalLogEntry =
  | { event: 'first'; refusal: Refusal }
  | {
      event: 'summary';
      /** The length of the time that the summary is about, in milliseconds. */
      ms: number;
      /** Refusals in that time. */
      count: number;
      /** The kinds of these refusals. */
      kinds: RefusalStats['kinds'];
      /** The three peers with the most refusals since the server was made. */
      peers: RefusalStats['peers'];
    };

/** The options of a server: those of `http.createServer` and `refusals`. */
export interface ServerOptions<
  Request extends typeof http.IncomingMessage = typeof http.IncomingMessage,
  Response extends typeof http.ServerResponse<InstanceType<Request>> = typeof http.ServerResponse,
> extends http.ServerOptions<Request, Response> {
  /**
   * What the server keeps of refusals, and how it answers them. The environment variable FERROHTTP_REFUSALS has the same as JSON,
   * for servers without this option.
   */
  refusals?: RefusalOptions;
}

/**
 * An `http.Server` whose sockets and parser are in Rust. It extends Node's class, and has the properties, methods, events and
 * errors that this class has in the Node that runs the program.
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
   * Counts refusals by code since the server was made: each 'clientError' that was emitted, or would have been emitted if there
   * had been a listener. The counts are exact and never go down. Each call returns a new object.
   *
   * ```js
   * server.clientErrorCounts(); // { total: 3, HPE_INVALID_METHOD: 2, ECONNRESET: 1 }
   * ```
   *
   * @since v0.1.0; `http.Server` has no such method
   */
  clientErrorCounts(): ClientErrorCounts;

  /**
   * Returns the refusals that the server has kept, the oldest first: the last ones, and the first and the last of each kind.
   * The filter takes those with a `seq` above `after`, with this `code`, with this `hint.id`, and with this `peer.address`.
   *
   * @throws `ERR_INVALID_ARG_TYPE` if the filter is not an object, `ERR_INVALID_ARG_VALUE` if it has an unknown member
   * @since v0.1.0; `http.Server` has no such method
   */
  refusals(filter?: { after?: number; code?: string; hint?: string; peer?: string }): Refusal[];

  /**
   * Counts refusals by kind, connections by how they ended, and peers, since the server was made. Each call returns a new object.
   *
   * @since v0.1.0; `http.Server` has no such method
   */
  refusalStats(): RefusalStats;

  /**
   * 'clientError' has a {@link ClientError} and the socket of the connection: a `net.Socket`, or the stream that the program gave to
   * `server.emit('connection', stream)`.
   *
   * With a listener the server writes nothing and closes nothing, and emits the event again for each later packet. Without one
   * it replies 400, 431 (`HPE_HEADER_OVERFLOW`), 413 (`HPE_CHUNK_EXTENSIONS_OVERFLOW`) or 408 (`ERR_HTTP_REQUEST_TIMEOUT`), unless
   * a response has begun, and destroys the socket.
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
 * Makes a server, as `http.createServer` of the Node that runs the program does, with the same options and defaults.
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
 * @param requestListener a listener for 'request'
 * @throws what Node throws for a bad option: `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_OUT_OF_RANGE`, ...
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
