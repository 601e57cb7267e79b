'use strict';
// Reads the input of `ferrohttp explain`: bytes in one of several forms. Each reader returns a list of inputs, or null
// if the input has another form.
//
// An input is { label, packets, fin } or, for an error that was printed or logged, { label, error }. `truncated` is the
// number of bytes that the form has left out.

const { readPcap } = require('./pcap');
const { readPcapng } = require('./pcapng');
const { readHar } = require('./har');
const { readJson } = require('./json');
const { readHaproxy } = require('./haproxy');
const { readConsole } = require('./console');
const { readDump, readHex } = require('./hex');

const READERS = {
  pcap: readPcap,
  pcapng: readPcapng,
  har: readHar,
  json: readJson,
  haproxy: readHaproxy,
  console: readConsole,
  xxd: readDump,
  hex: readHex,
  raw: (bytes) => [{ label: '', packets: [bytes], fin: false }],
};

const FORMATS = Object.keys(READERS);

/** Reads bytes in the named form, or in the first form that fits. */
function read(bytes, format) {
  if (format !== undefined) {
    const inputs = READERS[format](bytes, true);
    return inputs === null ? null : { format, inputs };
  }
  for (const [name, reader] of Object.entries(READERS)) {
    const inputs = reader(bytes, false);
    if (inputs !== null) return { format: name, inputs };
  }
  return null;
}

module.exports = { FORMATS, read };
