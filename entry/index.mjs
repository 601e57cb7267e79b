// The names that the host's `http` exports, whatever its version: local exports win over a star.

import ferrohttp from '../index.js';

export * from 'node:http';
export const { createServer, Server, _connectionListener } = ferrohttp;
export default ferrohttp;
