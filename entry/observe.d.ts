/// <reference types="node" />

import * as http from 'node:http';
import { Duplex } from 'node:stream';
import { Refusal, RefusalStats } from '../index.js';

export { Refusal, RefusalStats };

/** A release line whose parser can be asked. */
export type NodeLine = 20 | 22 | 24 | 26;

/** What {@link explain} and {@link matrix} are to assume. */
export interface ExplainOptions {
  /** The grammar of this release line; that of the Node that runs unless given. */
  node?: NodeLine;
  /** As with the server's option of that name. Default: false. */
  insecureHTTPParser?: boolean;
  /** Bytes of a head at which it is refused. Default: `http.maxHeaderSize`. */
  maxHeaderSize?: number;
  /** Fields of a head, 0 for no limit. Default: 1000. */
  maxHeadersCount?: number;
  /** FIN follows the bytes. Default: false. */
  fin?: boolean;
  /** The server takes upgrades. Default: false. */
  upgrade?: boolean;
  /** What is hidden beside what always is: values of fields by name, and those in queries. */
  redact?: { fields?: string[]; query?: boolean };
}

/** The verdict of one parser. */
export interface Verdict {
  node: number;
  /** With insecureHTTPParser. */
  insecure: boolean;
  verdict: 'accepted' | 'refused' | 'incomplete' | 'upgraded';
  /** Of the refusal. */
  code?: string;
}

/** What {@link explain} returns. */
export interface Explanation {
  /** `upgraded`: accepted, and what follows is not HTTP. */
  verdict: 'accepted' | 'refused' | 'incomplete' | 'upgraded';
  /** Complete heads before that. */
  requests: number;
  /** Whose parser said so. */
  node: number;
  insecure: boolean;
  /** Of a refusal: the packet that was refused, from 0, and the error's `bytesParsed` in it. */
  packet?: number;
  bytesParsed?: number;
  /** Why it was refused. */
  refusal?: Refusal;
  /** Who would not refuse it: other release lines, and insecureHTTPParser. */
  elsewhere?: Verdict[];
  /** Of what is incomplete: what should come next. */
  awaited?: string;
  /** Of an error whose packet is not the first of its message: what it began in the middle of. */
  assumed?: string;
}

/** An error with the properties of a 'clientError', of any server. */
export interface RefusalError {
  code?: string;
  reason?: string;
  bytesParsed?: number;
  rawPacket?: Uint8Array;
}

/**
 * Says what a server makes of bytes, and why. A string stands for bytes of latin1, an array for
 * packets. Of an error that a server of this package gave to 'clientError' all is known that the
 * server knew; of another's, what its packet tells.
 *
 * @throws `ERR_INVALID_ARG_TYPE` and `ERR_INVALID_ARG_VALUE` for bad arguments
 */
export function explain(
  subject: string | Uint8Array | Array<string | Uint8Array> | RefusalError,
  options?: ExplainOptions,
): Explanation;

/** The verdict of every release line, strict and with insecureHTTPParser. */
export function matrix(packets: Uint8Array[], options?: Omit<ExplainOptions, 'node' | 'insecureHTTPParser'>): Verdict[];

/** A refusal as text: plain ASCII, at most 79 columns, without a line end at its end. */
export function format(refusal: Refusal): string;

/** A server whose refusals can be read. */
export interface Observed {
  refusals(filter?: { after?: number }): Refusal[];
  refusalStats(): RefusalStats;
}

/** The metrics of a server, or of several together, in Prometheus's text format. */
export function prometheus(servers: Observed | Observed[]): string;

/** Puts the metrics of a server, or of several together, into a registry of prom-client. */
export function collect(registry: { registerMetric(metric: any): void }, servers: Observed | Observed[]): void;

/**
 * Makes observable counters of a meter of OpenTelemetry that read a server, or several together.
 * Returns a function that stops them.
 */
export function otel(
  meter: { createObservableCounter(name: string, options?: any): any },
  servers: Observed | Observed[],
): () => void;

/**
 * Answers a refusal from inside a 'clientError' listener as the server would without one: with the
 * reply of its option `refusals.replies`, else Node's, unless a response has begun. Then destroys the
 * socket. For frameworks that always have a listener: `Fastify({ clientErrorHandler: refuse })`.
 */
export function refuse(error: Error, socket: Duplex): void;

/** Options of {@link page}. */
export interface PageOptions {
  /**
   * Who may see the page: `'loopback'`, only connections from this machine that no proxy forwarded;
   * `'any'`, everybody; or a function that returns true. Default: `'loopback'`.
   */
  allow?: 'loopback' | 'any' | ((req: http.IncomingMessage) => boolean);
  /** Host names that the page answers to beside localhost, 127.0.0.1 and [::1], without ports. */
  hosts?: string[];
  /** Default: `'Refusals'`. */
  title?: string;
}

/** A request handler that serves a live page of the refusals of a server, or of several. */
export function page(
  servers: Observed | Observed[],
  options?: PageOptions,
): (req: http.IncomingMessage, res: http.ServerResponse) => void;
