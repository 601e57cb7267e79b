export * from './observe.js';
export * as default from './observe.js';
