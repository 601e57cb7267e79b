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
    options: http.ServerOptions<Request, Response>,
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
  options: http.ServerOptions<Request, Response>,
  requestListener?: http.RequestListener<Request, Response>,
): Server<Request, Response>;
