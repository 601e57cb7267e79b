export * from './https.js';
export { default } from './https.js';
