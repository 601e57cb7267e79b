'use strict';

// Writes lib/host/vectors.json with the requests of crates/h1/vectors/rules.js, which the self-check gives to Node's
// parser and to ferrohttp's. A long run of one character is written as [character, length].

const fs = require('node:fs');
const path = require('node:path');

const rules = require('../../crates/h1/vectors/rules');

const FILE = path.join(__dirname, '..', '..', 'lib', 'host', 'vectors.json');

function pieces(packet) {
  return packet.split(/((.)\2{39,})/s).flatMap((piece, i) => {
    switch (i % 3) {
      case 0: return piece === '' ? [] : [piece];
      case 1: return [[piece[0], piece.length]];
      default: return []; // the character of the run
    }
  });
}

function vectors() {
  return Object.entries(rules).flatMap(([file, list]) => list.map(([title, request, options = {}]) => {
    return [`${file}: ${title}`, [request].flat().map(pieces), { ...options, since: undefined }];
  }));
}

const lines = vectors().map((vector) => `  ${JSON.stringify(vector)}`);
fs.writeFileSync(FILE, `[\n${lines.join(',\n')}\n]\n`);
