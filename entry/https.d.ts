import * as http from 'node:http';
import * as https from 'node:https';
import { ClientErrorCounts, Refusal, RefusalOptions, RefusalStats } from '../index.js';

// All other members of Node's https are exported unchanged.
export * from 'node:https';

/**
 * An `https.Server` whose parser is in Rust. It extends Node's class; Node does TLS. 'clientError' has a `ClientError` (see
 * 'ferrohttp'), as for plain connections. A failed handshake is a 'tlsClientError', as in Node.
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
   * Counts refusals by code, as `clientErrorCounts()` of 'ferrohttp' does. Failed handshakes are not refusals.
   *
   * @since v0.1.0; `https.Server` has no such method
   */
  clientErrorCounts(): ClientErrorCounts;

  /**
   * Returns the refusals that the server has kept, as `refusals()` of 'ferrohttp' does, with the same errors.
   *
   * @since v0.1.0; `https.Server` has no such method
   */
  refusals(filter?: { after?: number; code?: string; hint?: string; peer?: string }): Refusal[];

  /**
   * Counts refusals, connections and peers, as `refusalStats()` of 'ferrohttp' does, and failed handshakes.
   *
   * @since v0.1.0; `https.Server` has no such method
   */
  refusalStats(): SecureRefusalStats;
}

/** What {@link Server.refusalStats} returns. */
export interface SecureRefusalStats extends RefusalStats {
  /**
   * `failed`: handshakes that failed ('tlsClientError'). `plainHttp`: those of them in which the client sent plain HTTP,
   * because it used http:// on this port.
   */
  handshakes: { failed: number; plainHttp: number };
}

/** The options of a server: those of `https.createServer` and `refusals`. */
export interface ServerOptions<
  Request extends typeof http.IncomingMessage = typeof http.IncomingMessage,
  Response extends typeof http.ServerResponse<InstanceType<Request>> = typeof http.ServerResponse,
> extends https.ServerOptions<Request, Response> {
  /** As for a server of 'ferrohttp'. */
  refusals?: RefusalOptions;
}

/**
 * Makes a server, as `https.createServer` of the Node that runs the program does, with the same options, defaults and errors.
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
