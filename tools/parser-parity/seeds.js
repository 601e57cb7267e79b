'use strict';

// The requests from which cases are made, by section of the grammar. They are changed, spliced and joined, so each rule
// needs only one request that reaches it.

const H = 'Host: a\r\n';
const get = (lines) => `GET /p HTTP/1.1\r\n${H}${lines}\r\n`;
const post = (lines, body) => `POST /p HTTP/1.1\r\n${H}${lines}\r\n${body}`;
const chunked = (body) => post('Transfer-Encoding: chunked\r\n', body);

const METHODS = [
  'GET / HTTP/1.1\r\n\r\n',
  '\r\n\n\rPROPFIND /p?q#f HTTP/1.1\r\nHost: a\r\n\r\n',
  'M-SEARCH * HTTP/1.1\r\n\r\n',
  'MKACTIVITY /a HTTP/1.0\r\n\r\n',
  'QUERY /a HTTP/1.1\r\n\r\n',
  'DESCRIBE rtsp://h/a RTSP/1.0\r\nCSeq: 1\r\n\r\n',
  'GET_PARAMETER rtsp://h RTSP/1.0\r\n\r\n',
  'SOURCE /mount ICE/1.0\r\n\r\n',
  'FLUSH /x HTTP/1.1\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'GETX / HTTP/1.1\r\n\r\n',
  'get / HTTP/1.1\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01\x00',
];

const TARGETS = [
  'GET /a/b.c?x=1&y=%20#frag?# HTTP/1.1\r\n\r\n',
  'GET http://user@host:80/p?q HTTP/1.1\r\n\r\n',
  'GET http://h@@x/ HTTP/1.1\r\n\r\n',
  'GET http:/x HTTP/1.1\r\n\r\n',
  'GET https://[::1]?q#f HTTP/1.1\r\n\r\n',
  'GET   /p   HTTP/1.1\r\n\r\n',
  'GET ?q HTTP/1.1\r\n\r\n',
  'GET mailto:a HTTP/1.1\r\n\r\n',
  'GET /\xe9\x80 HTTP/1.1\r\n\r\n',
  'GET /a\tb HTTP/1.1\r\n\r\n',
  'GET / \tHTTP/1.1\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\n\r\n',
  'CONNECT host:443 HTTP/1.1\r\nHost: a\r\n\r\nafter',
  'CONNECT h:1 HTTP/1.1\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello',
  'GET /\r\n\r\n',
  'GET /\nHost: a\r\n\r\n',
  'GET /\rX',
];

const VERSIONS = [
  'GET / HTTP/0.9\r\n\r\n',
  'GET / HTTP/2.0\r\nConnection: keep-alive\r\n\r\n',
  'GET / HTTP/1.2\r\n\r\n',
  'GET / HTTP/1.11\r\n\r\n',
  'GET / HTXP/1.1\r\n\r\n',
  'GET / http/1.1\r\n\r\n',
  'GET / RTSP/1.0\r\n\r\n',
  'GET / ICE/1.0\r\n\r\n',
  'GET / HTTP/1.1\nHost: a\n\n',
  'GET / HTTP/1.1\rHost: a\r\r',
  'GET / HTTP/1.1 \r\n\r\n',
];

const FIELDS = [
  get('Accept: */*\r\nUser-Agent: x y\tz\r\nX-Empty:\r\nX-Blank:  \t \r\nCookie: a=b; c\r\n'),
  get('X:  trailing \t \r\nY:\tz\r\n'),
  get('Name : v\r\n'),
  get('Connection : close\r\n'),
  get('Upgrade \t: x\r\n'),
  get('Content-Length  x: 1\r\n'),
  get('X: a\r\n b\r\n\tc \r\n'),
  get('X:\r\n a\r\n'),
  get('X: a\nY: b\r\n'),
  get('X: a\rY: b\r\n'),
  get('X: \x01\x7f\x00\xff\r\n'),
  get('X:\rY\r\n'),
  get(': v\r\n'),
  get('\tX: v\r\n'),
  get('"q": v\r\n'),
  'GET / HTTP/1.1\r\n X: leading\r\n\r\n',
  get('Connections: x\r\nContent-Lengthy: 1\r\nUp: 2\r\nTransfer: 3\r\nProxy-Connectio: 4\r\n'),
];

const FRAMING = [
  post('Content-Length: 5\r\n', 'hello'),
  post('Content-Length: 0\r\n', ''),
  post('Content-Length:\r\n', ''),
  post('Content-Length: 005 \r\n', 'hello'),
  post('Content-Length: 5\t\r\n', 'hello'),
  post('Content-Length: 5, 5\r\n', 'hello'),
  post('Content-Length: 18446744073709551615\r\n', 'x'),
  post('Content-Length: 18446744073709551616\r\n', 'x'),
  post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'),
  post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'),
  post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '5\r\nhello\r\n0\r\n\r\n'),
  post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'),
  post('Transfer-Encoding: chunked, gzip\r\n', '0\r\n\r\n'),
  post('Transfer-Encoding: chunked \r\n', '0\r\n\r\n'),
  post('Transfer-Encoding: chunked\t\r\n', '0\r\n\r\n'),
  post('Transfer-Encoding: ,\tCHUNKED\r\n', '0\r\n\r\n'),
  post('Transfer-Encoding: chunked;q=1\r\n', 'x'),
  post('Transfer-Encoding: gzip\r\n', 'until the end'),
  post('Transfer-Encoding:\r\n', 'x'),
  post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  post('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  post('Transfer-Encoding: a\r\n chunked\r\n', '0\r\n\r\n'),
  post('Content-Length: 1\r\n 2\r\n', 'xxxxxxxxxxxx'),
];

const CHUNKS = [
  chunked('5\r\nhello\r\n0\r\n\r\n'),
  chunked('00A\r\n0123456789\r\nfF\r\n'),
  chunked('5;a=b;c="d;\\"e"f;g;h=\r\nhello\r\n0;x\r\n\r\n'),
  chunked('1;a="q";b\r\nx\r\n0\r\n\r\n'),
  chunked('1;=;a=\r\nx\r\n0\r\n\r\n'),
  chunked('1; a=b\r\nx\r\n0\r\n\r\n'),
  chunked('1;;\r\nx\r\n0\r\n\r\n'),
  chunked('1;a\nx\r\n0\n\n'),
  chunked('1;a=b\nx\r\n0\r\n\r\n'),
  chunked('1;a="b"\nx\n0\r\n\r\n'),
  chunked('1 \t\r\nx\r\n0\r\n\r\n'),
  chunked('1\nx\n0\n\n'),
  chunked('1\rx\r0\r\r'),
  chunked('1\r\nxyz\r\n0\r\n\r\n'),
  chunked('10000000000000000\r\n'),
  chunked('00000000000000000000ffffffffffffffff\r\nx'),
  chunked('0\r\nTrailer: v \r\nX-Two:\r\n\r\n'),
  chunked('0\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\n\r\n'),
  chunked('0\r\nContent-Length: 7\r\n\r\n'),
  chunked('0\r\nTransfer-Encoding: chunked\r\n\r\n'),
  chunked('0\r\n X: y\r\n\r\n'),
];

const CONNECTIONS = [
  get('Connection: close\r\n') + '\r\n\r\nGET / HTTP/1.1\r\n\r\n',
  get('Connection: keep-alive\r\n') + get(''),
  get('Connection: Keep-Alive, Upgrade , close\r\n'),
  get('Connection: close foo, closex, ,upgrade\t\r\n'),
  get('Connection: clo, keep-aliv,upgrad\r\n'),
  get('Proxy-Connection: close\r\n') + 'x',
  get('Connection: close\r\n , keep-alive\r\n'),
  'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\nG',
  get('Connection: Upgrade\r\nUpgrade: websocket\r\n') + 'raw bytes',
  get('Connection: upgrade\r\nUpgrade:\r\n') + get(''),
  post('Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 3\r\n', 'abc') + get(''),
  post('Upgrade: x\r\nConnection: upgrade\r\nTransfer-Encoding: chunked\r\n',
       '3\r\nabc\r\n0\r\nT: v\r\n\r\n') + get(''),
  post('Upgrade: x\r\nConnection: upgrade\r\nTransfer-Encoding: gzip\r\n', 'x'),
  post('Upgrade: x\r\nConnection: close, upgrade\r\nTransfer-Encoding: chunked\r\n', 'zz'),
];

const SEEDS = [
  ...METHODS, ...TARGETS, ...VERSIONS, ...FIELDS, ...FRAMING, ...CHUNKS, ...CONNECTIONS,
];

// Pieces of the grammar that a mutation may insert anywhere.
const TOKENS = [
  '\r', '\n', '\r\n', '\r\n\r\n', ' ', '\t', '\f', '\0', ':', ',', ';', '=', '"', '\\', '/', '?',
  '#', '@', '.', '0', '1', '9', 'f', '_', '\x7f', '\x80', '\xff', '  ', ' \t',
  'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'RTSP/1.0', 'ICE/1.0', 'http://', 'PRI ',
  'GET ', 'POST ', 'CONNECT ', 'SOURCE ', 'GET_', 'SET_PARAMETER ', 'chunked', 'close',
  'keep-alive', 'upgrade', 'gzip', ', ', 'Connection: ', 'Proxy-Connection: ',
  'Content-Length: ', 'Transfer-Encoding: ', 'Upgrade: ', 'Transfer-Encoding: chunked\r\n',
  'Content-Length: 3\r\n', 'Connection: close\r\n', 'Connection: keep-alive\r\n',
  'Connection: upgrade\r\nUpgrade: x\r\n', 'X: y\r\n', '\r\n ', '\r\n\t', '0\r\n\r\n',
  '3\r\nabc\r\n', ';a=b', ';a="b"', '18446744073709551615', 'ffffffffffffffff',
];

module.exports = { SEEDS, TOKENS };
