import * as http from 'node:http';
import * as https from 'node:https';
import { ClientErrorCounts, Refusal, RefusalOptions, RefusalStats } from '../index.js';

// Everything else of the host's https, as it is.
export * from 'node:https';

/**
 * Node's `https.Server` with the parser in Rust: TLS is Node's own. An instance is an instance of
 * `https.Server` as well. 'clientError' comes with a `ClientError` (see 'ferrohttp'), as for plain
 * connections; a failed handshake is a 'tlsClientError', as in Node.
 *
 * @since v0.1.0, for Node 20 and newer
 */
export class Server<
  Request extends typeof http.IncomingMessage = typeof http.IncomingMessage,
  Response extends typeof http.ServerResponse<InstanceType<Request>> = typeof http.ServerResponse,
> extends https.Server<Request, Response> {
  constructor(requestListener?: http.RequestListener<Request, Response>);
  constructor(
    options: ServerOptions<Request, Response>,
    requestListener?: http.RequestListener<Request, Response>,
  );

  /**
   * How many packets and connections were refused after their handshake, by code; as
   * `clientErrorCounts()` of the plain server.
   *
   * @since v0.1.0; `https.Server` has no such method
   */
  clientErrorCounts(): ClientErrorCounts;

  /** The refusals after the handshake that are kept; as `refusals()` of the plain server. */
  refusals(filter?: { after?: number; code?: string; hint?: string; peer?: string }): Refusal[];

  /** As `refusalStats()` of the plain server, with the handshakes that failed. */
  refusalStats(): SecureRefusalStats;
}

/** What {@link Server.refusalStats} returns. */
export interface SecureRefusalStats extends RefusalStats {
  /**
   * Handshakes that failed ('tlsClientError'), which are not refusals, and how many of them were
   * plain HTTP: the client used http:// on the port of https.
   */
  handshakes: { failed: number; plainHttp: number };
}

/** What a server is made with. */
export interface ServerOptions<
  Request extends typeof http.IncomingMessage = typeof http.IncomingMessage,
  Response extends typeof http.ServerResponse<InstanceType<Request>> = typeof http.ServerResponse,
> extends https.ServerOptions<Request, Response> {
  /** As of the plain server. */
  refusals?: RefusalOptions;
}

/**
 * Makes a server, as `https.createServer` does, with its options, defaults and errors.
 *
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
