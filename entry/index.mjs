// All names that `http` of the running Node exports. Local exports take precedence over `export *`.

import ferrohttp from '../index.js';

export * from 'node:http';
export const { createServer, Server, _connectionListener } = ferrohttp;
export default ferrohttp;
