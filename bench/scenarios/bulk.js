'use strict';

// One connection that sends or receives large bodies, one after the other.

const { closedLoop } = require('../lib/measure.js');
const requests = require('./requests.js');

const SIZE = 64 * 1024 * 1024;
const targets = [
  { what: 'throughput', figure: 'megabytes', ratio: true, least: 1.3 },
  { what: 'peak memory', figure: 'peak', ratio: true, most: 1 },
];

function scenario(name, title, file, argv, options) {
  const work = { mode: 'http', file, argv, options: { connections: 1, ...options } };
  return {
    name,
    title,
    work,
    columns: ['megabytes', 'cpuPerMegabyte', 'peak', 'generator'],
    targets,
    async measure(context) {
      const { report, doubts } = await closedLoop(context, work);
      return {
        figures: {
          megabytes: report.megabytesPerSecond,
          cpuPerMegabyte: report.server.cpuUs / report.seconds / report.megabytesPerSecond,
          peak: report.server.hwmKb / 1024,
          generator: report.ownCpuShare,
          threads: report.server.threads,
        },
        doubts,
      };
    },
  };
}

const upload = { request: requests.uploadHead, upload: SIZE, body: `${SIZE}\\n` };
const download = { request: requests.hello, 'body-length': SIZE };

module.exports = [
  scenario('upload', '64 MB upload, Content-Length', 'upload.js', [], upload),
  scenario('upload-chunked', '64 MB upload, chunked', 'upload.js', [], { ...upload, chunked: 64 * 1024 }),
  scenario('download-pipe', '64 MB download by pipe', 'download.js', ['pipe', SIZE], download),
  scenario('download-write', '64 MB download by write and drain', 'download.js', ['write', SIZE], download),
];
