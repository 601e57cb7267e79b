'use strict';
// The versions whose parser is compared with ferrohttp's before each release of ferrohttp.

const { llhttp: VERIFIED } = require('./verified.json');
const { newest } = require('./known.json');

/** Whether this version of llhttp and this line of Node are among them. */
function isVerified({ node, llhttp }) {
  return VERIFIED.includes(llhttp) && newest[node.split('.', 1)[0]] !== undefined;
}

module.exports = { isVerified };
