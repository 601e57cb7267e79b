'use strict';

// What each rule of the request grammar refuses, and the error.

const { compare, major } = require('../support/harness.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\n';
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;

// name, packet, code of the first error, further properties of the case
const REFUSED = [
  ['a word that is no method', 'GARBAGE', 'HPE_INVALID_METHOD'],
  ['a method in lower case', 'get / HTTP/1.1\r\n\r\n', 'HPE_INVALID_METHOD'],
  ['a method with a letter too much', 'GETX / HTTP/1.1\r\n\r\n', 'HPE_INVALID_METHOD'],
  ['a tab after the method', 'GET\t/ HTTP/1.1\r\n\r\n', 'HPE_INVALID_METHOD'],
  ['a prefix of an RTSP method', 'GET_X / HTTP/1.1\r\n\r\n', 'HPE_INVALID_METHOD'],
  ['a TLS hello', Buffer.from('16030100c8010000c40303', 'hex'), 'HPE_INVALID_METHOD'],
  ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'HPE_PAUSED_H2_UPGRADE'],
  ['a broken HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', 'HPE_INVALID_VERSION'],
  ['a control byte in the target', 'GET /\x01 HTTP/1.1\r\n\r\n', 'HPE_INVALID_URL'],
  ['a tab in the target', 'GET /\t HTTP/1.1\r\n\r\n', 'HPE_INVALID_URL'],
  ['a byte above ASCII in the target', 'GET /\xe9 HTTP/1.1\r\n\r\n', 'HPE_INVALID_URL'],
  ['a target without a slash', 'GET foo HTTP/1.1\r\n\r\n', 'HPE_INVALID_URL'],
  ['two fragments', 'GET /a#b#c HTTP/1.1\r\n\r\n', null],
  ['CR in the target', 'GET /\rX HTTP/1.1\r\n\r\n', 'HPE_INVALID_URL'],
  ['a control byte in a CONNECT target', 'CONNECT a\x01:1 HTTP/1.1\r\n\r\n', 'HPE_INVALID_URL'],
  ['a protocol that is none', 'GET / HTXP/1.1\r\n\r\n', 'HPE_INVALID_CONSTANT'],
  ['an RTSP method over HTTP', 'PLAY / HTTP/1.1\r\n\r\n', 'HPE_INVALID_CONSTANT'],
  ['an HTTP method over RTSP', 'PUT / RTSP/1.0\r\n\r\n', 'HPE_INVALID_CONSTANT'],
  ['ICE without SOURCE', 'GET / ICE/1.0\r\n\r\n', 'HPE_INVALID_CONSTANT'],
  ['a major version that is no digit', 'GET / HTTP/x.1\r\n\r\n', 'HPE_INVALID_VERSION'],
  ['no dot in the version', 'GET / HTTP/11\r\n\r\n', 'HPE_INVALID_VERSION'],
  ['a minor version that is no digit', 'GET / HTTP/1.x\r\n\r\n', 'HPE_INVALID_VERSION'],
  ['version 3.0', 'GET / HTTP/3.0\r\n\r\n', 'HPE_INVALID_VERSION'],
  ['two minor digits', 'GET / HTTP/1.11\r\n\r\n', 'HPE_INVALID_VERSION'],
  ['LF after the version', 'GET / HTTP/1.1\nHost: a\r\n\r\n', 'HPE_INVALID_VERSION'],
  ['CR alone after the version', 'GET / HTTP/1.1\rHost: a\r\n\r\n', 'HPE_STRICT'],
  ['a space after the start line', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', 'HPE_UNEXPECTED_SPACE'],
  ['a line that begins with a colon', `${GET}: b\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
  ['a space in a name', `${GET}A b: c\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
  ['a space before the colon', `${GET}Abc : d\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
  ['a space before the colon of Content-Length', `${POST}Content-Length : 1\r\n\r\na`,
    'HPE_INVALID_HEADER_TOKEN'],
  ['a line without a colon', `${GET}Abc\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
  ['LF where a line should begin', `${GET}\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
  ['LF after an empty value', `${GET}A:\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
  ['CR alone after an empty value', `${GET}A:\rb\r\n\r\n`, 'HPE_STRICT'],
  ['a fold after an empty value', `${GET}A:\r\n b\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
  ['a control byte in a value', `${GET}A: b\x00c\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
  ['DEL in a value', `${GET}A: b\x7fc\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
  ['LF after a value', `${GET}A: b\nC: d\r\n\r\n`, 'HPE_CR_EXPECTED'],
  ['CR alone in a value', `${GET}A: b\rc\r\n\r\n`, 'HPE_LF_EXPECTED'],
  ['a folded value', `${GET}A: b\r\n c\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
  ['CR alone at the end of the head', `${GET}\rX`, 'HPE_STRICT'],
  ['an empty Content-Length', `${POST}Content-Length: \r\n\r\n`, 'HPE_INVALID_CONTENT_LENGTH'],
  ['a negative Content-Length', `${POST}Content-Length: -1\r\n\r\n`, 'HPE_INVALID_CONTENT_LENGTH'],
  ['a list as Content-Length', `${POST}Content-Length: 5, 5\r\n\r\n`,
    'HPE_INVALID_CONTENT_LENGTH'],
  ['a Content-Length beyond 64 bits', `${POST}Content-Length: 18446744073709551616\r\n\r\n`,
    'HPE_INVALID_CONTENT_LENGTH'],
  ['Content-Length twice', `${POST}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`,
    'HPE_UNEXPECTED_CONTENT_LENGTH'],
  ['Content-Length after Transfer-Encoding',
    `${POST}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\na`,
    'HPE_INVALID_CONTENT_LENGTH'],
  ['Transfer-Encoding after Content-Length',
    `${POST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na`,
    'HPE_INVALID_TRANSFER_ENCODING'],
  ['a coding after chunked', `${POST}Transfer-Encoding: chunked, gzip\r\n\r\n`,
    'HPE_INVALID_TRANSFER_ENCODING'],
  ['an empty Transfer-Encoding', `${POST}Transfer-Encoding: \r\n\r\n`,
    major === 20 ? null : 'HPE_INVALID_TRANSFER_ENCODING'],
  ['a last coding that is not chunked', `${POST}Transfer-Encoding: gzip\r\n\r\n`,
    'HPE_INVALID_TRANSFER_ENCODING', { handler: 'hold' }],
  ['a chunk size that is no number', `${CHUNKED}x\r\n`, 'HPE_INVALID_CHUNK_SIZE',
    { handler: 'echo' }],
  ['a letter after the chunk size', `${CHUNKED}1x\r\n`, 'HPE_INVALID_CHUNK_SIZE',
    { handler: 'echo' }],
  ['a space after the chunk size', `${CHUNKED}1 \r\na\r\n0\r\n\r\n`, 'HPE_INVALID_CHUNK_SIZE',
    { handler: 'echo' }],
  ['a chunk size beyond 64 bits', `${CHUNKED}fffffffffffffffff\r\n`, 'HPE_INVALID_CHUNK_SIZE',
    { handler: 'echo' }],
  ['LF after the chunk size', `${CHUNKED}1\na\r\n0\r\n\r\n`, 'HPE_CR_EXPECTED',
    { handler: 'echo' }],
  ['CR alone after the chunk size', `${CHUNKED}1\ra\r\n`, 'HPE_STRICT', { handler: 'echo' }],
  ['a chunk extension without a name', `${CHUNKED}1; a\r\n`, 'HPE_STRICT', { handler: 'echo' }],
  ['a control byte in an extension name', `${CHUNKED}1;a\x01\r\n`, 'HPE_STRICT',
    { handler: 'echo' }],
  ['a control byte in an extension value', `${CHUNKED}1;a=b\x01\r\n`, 'HPE_STRICT',
    { handler: 'echo' }],
  ['a control byte in a quoted extension value', `${CHUNKED}1;a="b\x01"\r\n`, 'HPE_STRICT',
    { handler: 'echo' }],
  ['a letter after a quoted extension value', `${CHUNKED}1;a="b"c\r\n`, 'HPE_STRICT',
    { handler: 'echo' }],
  ['LF after an extension', `${CHUNKED}1;a\na\r\n`, 'HPE_CR_EXPECTED', { handler: 'echo' }],
  ['no CRLF after chunk data', `${CHUNKED}1\r\nabc\r\n`, 'HPE_STRICT', { handler: 'echo' }],
  ['LF after chunk data', `${CHUNKED}1\r\na\n0\r\n\r\n`, 'HPE_CR_EXPECTED', { handler: 'echo' }],
  ['a space in a trailer name', `${CHUNKED}0\r\nA b: c\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN',
    { handler: 'echo' }],
  ['Content-Length as a trailer', `${CHUNKED}0\r\nContent-Length: 1\r\n\r\n`,
    'HPE_INVALID_CONTENT_LENGTH', { handler: 'echo' }],
  ['data after Connection: close', `${GET}Connection: close\r\n\r\nGET / HTTP/1.1\r\n`,
    'HPE_CLOSED_CONNECTION', { handler: 'hold' }],
  ['data after a 1.0 request', 'GET / HTTP/1.0\r\n\r\nX', 'HPE_CLOSED_CONNECTION',
    { handler: 'hold' }],
];

compare('grammar', REFUSED.map(([name, packet, code, rest]) => ({
  name,
  packets: [packet],
  split: packet.length < 90,
  codes: code === null ? undefined : [code],
  ...rest,
})));

// What the grammar accepts although it looks wrong.
const ACCEPTED = [
  ['CR and LF before a request', `\r\n\n\r\r\n${GET}\r\n`],
  ['HTTP/0.9', 'GET /\r\n\r\n'],
  ['HTTP/0.9 with LF', 'GET /\nA: b\r\n\r\n'],
  ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n'],
  ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n'],
  ['RTSP', 'DESCRIBE rtsp://a RTSP/1.0\r\n\r\n'],
  ['ICE', 'SOURCE /a ICE/1.0\r\n\r\n'],
  ['many spaces around the target', 'GET    /   HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['an absolute target', 'GET http://u:p@a:80/b?c#d HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['odd bytes in the target', 'GET /"<>\\^`{|}?a?b#c HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['blanks around values', `${GET}A: \t b \t \r\nB:\r\nC:c\r\n\r\n`],
  ['latin1 in values', `${GET}A: \xe9\xff\x80\r\n\r\n`],
  ['repeated fields',
    `${GET}A: 1\r\na: 2\r\nSet-Cookie: x\r\nSet-Cookie: y\r\nCookie: p\r\nCookie: q\r\n` +
    'Content-Type: a/b\r\ncontent-type: c/d\r\n\r\n'],
  ['__proto__ as a name', `${GET}__proto__: x\r\nconstructor: y\r\n\r\n`],
  ['every token byte in a name', `${GET}!#$%&'*+-.^_\`|~09azAZ: x\r\n\r\n`],
  ['leading zeros in Content-Length', `${POST}Content-Length: 0000000000000000000002\r\n\r\nab`],
  ['chunked at the end of a list', `${POST}Transfer-Encoding: gzip ,chunked\r\n\r\n0\r\n\r\n`],
  ['chunk extensions', `${CHUNKED}1;a;b=c;d="e\\"f"\r\nx\r\n0;z\r\nT: u\r\n\r\n`],
  ['chunk sizes in both cases with zeros', `${CHUNKED}00A\r\n0123456789\r\n0a\r\n0123456789\r\n0\r\n\r\n`],
  ['a method with a hyphen', 'M-SEARCH * HTTP/1.1\r\nHost: a\r\n\r\n'],
];

compare('grammar', ACCEPTED.map(([name, packet]) => ({
  name, packets: [packet], split: packet.length < 90, handler: 'echo', codes: [],
})));

const LENIENT = [
  ['LF line ends', 'GET / HTTP/1.1\nHost: a\nA: b\n\n'],
  ['a folded value', `${GET}A: b\r\n c\r\n\td\r\n\r\n`],
  ['control bytes in a value', `${GET}A: b\x01\x00c\r\n\r\n`],
  ['a space before the colon', `${POST}Content-Length : 1\r\n\r\na`],
  ['both lengths', `${POST}Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`],
  ['a last coding that is not chunked', `${POST}Transfer-Encoding: gzip\r\n\r\nabc`],
  ['a coding after chunked', `${POST}Transfer-Encoding: chunked, gzip\r\n\r\nabc`],
  ['version 4.7', 'GET / HTTP/4.7\r\nHost: a\r\n\r\n'],
  ['requests after Connection: close', `${GET}Connection: close\r\n\r\n${GET}\r\n`],
  ['blanks after the chunk size', `${CHUNKED}1 \t\r\na\r\n0\r\n\r\n`],
  ['no CRLF after chunk data', `${CHUNKED}1\r\na0\r\n\r\n`],
  ['CR alone in a value', `${GET}A: b\rc\r\n\r\n`],
  ['a bad method still', 'BAD / HTTP/1.1\r\n\r\n'],
];

compare('grammar', [{
  name: 'the preface of HTTP/2 as a request of HTTP/0.9 is one, and ends the connection',
  modes: ['default', 'listener'],
  async script({ connect, observer, send }) {
    observer.handle = () => {}; // no answer
    const lane = await connect();
    await send(lane, 'PRI *\n\r\n');
    await send(lane, 'SM');
  },
}]);

compare('lenient grammar', LENIENT.map(([name, packet]) => ({
  name,
  options: { insecureHTTPParser: true },
  packets: [packet],
  split: packet.length < 90,
  handler: 'echo',
  modes: ['default', 'listener'],
})));

// NUL is left out, because the parser of Node 24 and 26 never returns from it.
const RELAXED = [...LENIENT.slice(0, 2), ['control bytes in a value', `${GET}A: b\x01c\r\n\r\n`]];

compare('relaxed grammar', RELAXED.map(([name, packet]) => ({
  name,
  since: 24,
  options: { httpValidation: 'relaxed' },
  packets: [packet],
  handler: 'echo',
  modes: ['default', 'listener'],
})));
