// The names that the host's `https` exports, whatever its version: local exports win over a star.

import ferrohttps from './https.js';

export * from 'node:https';
export const { createServer, Server } = ferrohttps;
export default ferrohttps;
