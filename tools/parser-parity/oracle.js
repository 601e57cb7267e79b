'use strict';

// Uses Node's own parser as _http_server.js does, and writes what it finds in the same form as the native side
// (crates/h1-testing/src/transcript.rs). It is a development tool and uses internals of Node.

const { HTTPParser } = require('_http_common');

const NODE = Number(process.versions.node.split('.')[0]);
const MAX_LENIENT = HTTPParser.kLenientHeaderValueRelaxed ? 0x7ff : 0x3ff;

// llhttp's numbering.
const METHODS = ('DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND ' +
  'PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH ' +
  'NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK SOURCE PRI DESCRIBE ' +
  'ANNOUNCE SETUP PLAY PAUSE TEARDOWN GET_PARAMETER SET_PARAMETER REDIRECT RECORD FLUSH ' +
  'QUERY').split(' ');
const CONNECT = METHODS.indexOf('CONNECT');

const parser = new HTTPParser();
let text = '';
let accept = false;
let upgraded = false;
let complete = false;
let collected = [];
let url = '';

function fields(list) {
  for (let i = 0; i < list.length; i += 2)
    text += `  ${list[i]}: ${list[i + 1]}\n`;
}

parser[HTTPParser.kOnMessageBegin | 0] = () => {
  text += 'begin\n';
};

// How rawHeaders and rawTrailers get header lines that come in groups.
parser[HTTPParser.kOnHeaders | 0] = (headers, part) => {
  const limit = parser.maxHeaderPairs;
  if (NODE < 22) {
    if (limit <= 0 || collected.length < limit)
      collected.push(...headers);
  } else {
    const capacity = limit - collected.length;
    if (limit <= 0 || capacity >= headers.length)
      collected.push(...headers);
    else if (capacity > 0)
      collected.push(...headers.slice(0, capacity));
  }
  url += part;
};

parser[HTTPParser.kOnHeadersComplete | 0] = (
  major, minor, headers, method, target, status, message, upgrade, keepAlive,
) => {
  if (headers === undefined) {
    headers = collected;
    collected = [];
  }
  if (target === undefined) {
    target = url;
    url = '';
  }
  text += `head ${METHODS[method]} ${major}.${minor} ${keepAlive ? 'keep' : 'close'}` +
    `${upgrade ? ' upgrade' : ''} ${target}\n`;
  fields(headers);
  complete = false;
  upgraded = upgrade && (accept || method === CONNECT);
  return upgraded && NODE < 26 ? 2 : 0;
};

const escapeBody = (body) => body.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');

parser[HTTPParser.kOnBody | 0] = (chunk) => {
  const body = chunk.latin1Slice();
  // Each event is one line.
  text += `body ${/[\n\\]/.test(body) ? escapeBody(body) : body}\n`;
};

parser[HTTPParser.kOnMessageComplete | 0] = () => {
  text += 'complete\n';
  complete = true;
  fields(collected);
  collected = [];
  url = '';
};

// With `httpValidation: 'relaxed'`, llhttp 9.4.3 never returns from a NUL in a header value. So such cases cannot be
// compared; ferrohttp refuses them.
function hangs(test) {
  return (test.lenient & 1025) === 1024 && test.packets.some((packet) => packet.includes(0));
}

// A case: { packets, accept, fin, lenient, maxHeaderSize, maxHeaderPairs }.
function run(test) {
  text = '';
  accept = test.accept;
  upgraded = complete = false;
  collected = [];
  url = '';
  let failed = false;
  parser.initialize(HTTPParser.REQUEST, {}, test.maxHeaderSize, test.lenient);
  parser.maxHeaderPairs = test.maxHeaderPairs;
  for (const packet of test.packets) {
    const result = parser.execute(packet);
    if (typeof result !== 'number') {
      if (!failed)
        text += `error ${result.code} ${result.reason}\n@${result.bytesParsed}\n`;
      else
        text += `again ${result.code} ${result.reason}\n`;
      failed = true;
    } else if (upgraded && complete) {
      text += `upgraded @${result}\n`;
      parser.finish();
      return text;
    }
    text += '-\n';
  }
  if (test.fin) {
    const result = parser.finish();
    if (result !== undefined)
      text += `eof ${result.code} ${result.reason}\n`;
  }
  return text;
}

module.exports = { MAX_LENIENT, METHODS, NODE, hangs, run };
