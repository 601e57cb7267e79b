import * as http from 'node:http';
import * as https from 'node:https';
import { ClientErrorCounts } from '../index.js';

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
    options: https.ServerOptions<Request, Response>,
    requestListener?: http.RequestListener<Request, Response>,
  );

  /**
   * How many packets and connections were refused after their handshake, by code; as
   * `clientErrorCounts()` of the plain server.
   *
   * @since v0.1.0; `https.Server` has no such method
   */
  clientErrorCounts(): ClientErrorCounts;
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
  options: https.ServerOptions<Request, Response>,
  requestListener?: http.RequestListener<Request, Response>,
): Server<Request, Response>;
