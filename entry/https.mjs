// All names that `https` of the running Node exports. Local exports take precedence over `export *`.

import ferrohttps from './https.js';

export * from 'node:https';
export const { createServer, Server } = ferrohttps;
export default ferrohttps;
