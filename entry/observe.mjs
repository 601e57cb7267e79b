import observe from './observe.js';

export const { collect, explain, format, matrix, otel, page, prometheus, refuse } = observe;
export default observe;
