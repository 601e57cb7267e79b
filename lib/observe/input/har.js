'use strict';
// Reads HAR files, which browsers save. Each request is written as it would be in HTTP/1.1.

function requestBytes({ method, url, headers = [], postData }) {
  const { pathname, search, host } = new URL(url);
  const fields = headers.filter(({ name }) => !name.startsWith(':'));
  const has = (wanted) => fields.some(({ name }) => name.toLowerCase() === wanted);
  const body = Buffer.from(postData?.text ?? '', 'utf8');
  let head = `${method} ${pathname}${search} HTTP/1.1\r\n`;
  if (!has('host')) head += `Host: ${host}\r\n`;
  for (const { name, value } of fields) head += `${name}: ${value}\r\n`;
  if (body.length > 0 && !has('content-length') && !has('transfer-encoding')) head += `Content-Length: ${body.length}\r\n`;
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body]);
}

function readHar(bytes) {
  const text = bytes.toString('utf8');
  if (!/^\uFEFF?\s*\{/.test(text) || !text.includes('"entries"')) return null;
  let entries;
  try {
    entries = JSON.parse(text.replace(/^\uFEFF/, '')).log.entries;
  } catch {
    return null;
  }
  if (!Array.isArray(entries)) return null;
  const inputs = [];
  for (const { request, response } of entries) {
    if (!/^https?:/.test(request?.url)) continue;
    const { origin, pathname } = new URL(request.url);
    const status = response?.status > 0 ? `, answered ${response.status}` : '';
    inputs.push({ label: `${request.method} ${origin}${pathname}${status}`, packets: [requestBytes(request)], fin: false });
  }
  return inputs;
}

module.exports = { readHar };
