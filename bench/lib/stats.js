'use strict';

exports.median = function median(values) {
  const sorted = values.filter((v) => Number.isFinite(v)).sort((a, b) => a - b);
  if (sorted.length === 0) return NaN;
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

// Compares the two servers within each round, so that what disturbs a whole round cancels out.
exports.ratio = function ratio(values, reference) {
  const ratios = values.map((v, i) => v / reference[i]).filter((v) => Number.isFinite(v));
  return { median: exports.median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
};
