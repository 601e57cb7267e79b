'use strict';

// Refuses `npm publish` in a clone, since it would publish a package without binaries.
console.error('ferrohttp: publish the tarballs of `npm run release:pack` (RELEASING.md says how)');
process.exitCode = 1;
