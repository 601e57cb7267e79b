/// <reference types="node" />

import * as http from 'node:http';
import { Duplex } from 'node:stream';
import { Refusal, RefusalStats } from '../index.js';

export { Refusal, RefusalStats };

/** A release line of Node whose grammar the binary has. */
export type NodeLine = 20 | 22 | 24 | 26;

/** What {@link explain} and {@link matrix} assume about the server. */
export interface ExplainOptions {
  /** The release line whose grammar is used. Default: that of the Node that runs the program. */
  node?: NodeLine;
  /** The server's option of that name. Default: false. */
  insecureHTTPParser?: boolean;
  /** The largest size of a head in bytes. Default: `http.maxHeaderSize`. */
  maxHeaderSize?: number;
  /** The largest number of fields in a head; 0 for no limit. Default: 1000. */
  maxHeadersCount?: number;
  /** Whether FIN follows the bytes. Default: false. */
  fin?: boolean;
  /** Whether the server accepts upgrades. Default: false. */
  upgrade?: boolean;
  /** What excerpts hide in addition, as the server's option `refusals.redact`. */
  redact?: { fields?: string[]; query?: boolean };
}

/** The verdict of one parser. */
export interface Verdict {
  /** The release line of Node. */
  node: number;
  /** Whether the parser ran with `insecureHTTPParser`. */
  insecure: boolean;
  verdict: 'accepted' | 'refused' | 'incomplete' | 'upgraded';
  /** The code of the error, if it is refused. */
  code?: string;
}

/** What {@link explain} returns. */
export interface Explanation {
  /** `upgraded`: the request is accepted, and what follows it is another protocol. */
  verdict: 'accepted' | 'refused' | 'incomplete' | 'upgraded';
  /** Complete heads before the end or the error. */
  requests: number;
  /** The release line of Node whose grammar was used. */
  node: number;
  /** Whether the parser ran with `insecureHTTPParser`. */
  insecure: boolean;
  /** The index of the refused packet, from 0. */
  packet?: number;
  /** `bytesParsed` of the error. */
  bytesParsed?: number;
  /** Why it is refused. */
  refusal?: Refusal;
  /** The parsers that do not refuse it: other release lines, and `insecureHTTPParser`. */
  elsewhere?: Verdict[];
  /** What should come next, if it is incomplete. */
  awaited?: string;
  /** What the packet of an error began in the middle of, if it is not the first of its message. */
  assumed?: string;
}

/** An error with the properties of a 'clientError' error, from this package or from node:http. */
export interface RefusalError {
  code?: string;
  reason?: string;
  bytesParsed?: number;
  rawPacket?: Uint8Array;
}

/**
 * Says what a server does with bytes, and why. A string has one character for each byte (latin1). An array has one element
 * for each packet.
 *
 * For an error that a server of this package gave to 'clientError', the answer has all that the server knew. For any other
 * error it has what can be found out from `rawPacket`.
 *
 * @throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for a bad argument
 * @since v0.1.0
 */
export function explain(
  subject: string | Uint8Array | Array<string | Uint8Array> | RefusalError,
  options?: ExplainOptions,
): Explanation;

/**
 * Returns the verdict of every release line, once strict and once with `insecureHTTPParser`.
 *
 * @throws what {@link explain} throws
 * @since v0.1.0
 */
export function matrix(packets: Uint8Array[], options?: Omit<ExplainOptions, 'node' | 'insecureHTTPParser'>): Verdict[];

/**
 * Returns a refusal as text: printable ASCII in lines of at most 79 columns, without a line break at the end.
 *
 * @since v0.1.0
 */
export function format(refusal: Refusal): string;

/** A server whose refusals can be read. */
export interface Observed {
  refusals(filter?: { after?: number }): Refusal[];
  refusalStats(): RefusalStats;
}

/**
 * Returns the metrics of a server, or the sums over several servers, in the text format of Prometheus (version 0.0.4).
 *
 * @throws `ERR_INVALID_ARG_TYPE` if one of them is no server of this package
 * @since v0.1.0
 */
export function prometheus(servers: Observed | Observed[]): string;

/**
 * Registers the metrics of a server, or the sums over several servers, with a registry of prom-client.
 *
 * @throws `ERR_INVALID_ARG_TYPE` for a bad registry or server; what the registry throws for a name that it already has
 * @since v0.1.0
 */
export function collect(registry: { registerMetric(metric: any): void }, servers: Observed | Observed[]): void;

/**
 * Makes observable counters with a meter of OpenTelemetry. They read a server, or the sums over several servers, at each
 * collection. Returns a function that stops them.
 *
 * @throws `ERR_INVALID_ARG_TYPE` for a bad meter or server
 * @since v0.1.0
 */
export function otel(
  meter: { createObservableCounter(name: string, options?: any): any },
  servers: Observed | Observed[],
): () => void;

/**
 * Does in a 'clientError' listener what the server does without one: it sends the reply of the option `refusals.replies`, or else
 * Node's, unless a response has begun, and destroys the socket. It is meant for frameworks that always have a listener:
 * `Fastify({ clientErrorHandler: refuse })`.
 *
 * @since v0.1.0
 */
export function refuse(error: Error, socket: Duplex): void;

/** Options of {@link page}. */
export interface PageOptions {
  /**
   * Who may see the page. `'loopback'`: connections from this machine that no proxy has forwarded, with a Host that names this
   * machine, and not from a page of another site. `'any'`: everybody. A function: requests for which it returns true.
   * Default: `'loopback'`.
   */
  allow?: 'loopback' | 'any' | ((req: http.IncomingMessage) => boolean);
  /** Host names, without ports, that `'loopback'` accepts in addition to localhost, 127.0.0.1 and [::1]. Default: none. */
  hosts?: string[];
  /** The title of the page. Default: `'Refusals'`. */
  title?: string;
}

/**
 * Returns a request handler that serves a live page about the refusals of a server, or of several.
 *
 * @throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for a bad option or server
 * @since v0.1.0
 */
export function page(
  servers: Observed | Observed[],
  options?: PageOptions,
): (req: http.IncomingMessage, res: http.ServerResponse) => void;
