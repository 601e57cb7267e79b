'use strict';

// A registry on loopback for `npm run release:check`. It serves the packages of a folder of tarballs.
// Other packages it takes from the upstream registry if it was given one; otherwise it answers 404.

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { readManifest } = require('./tarball.js');

function readPackages(folder) {
  const packages = new Map();
  for (const file of fs.readdirSync(folder).filter((name) => name.endsWith('.tgz'))) {
    const tarball = fs.readFileSync(path.join(folder, file));
    const manifest = readManifest(tarball);
    packages.set(manifest.name, { file, tarball, manifest });
  }
  return packages;
}

class Registry {
  /** The names of the tarballs that were requested. */
  downloads = [];

  /** `manifests` are manifests of packages whose tarballs may be missing. */
  static async open(folder, { manifests = [], upstream } = {}) {
    const registry = new Registry();
    registry.packages = readPackages(folder);
    for (const manifest of manifests) {
      if (registry.packages.has(manifest.name)) continue;
      registry.packages.set(manifest.name, { file: 'missing.tgz', tarball: Buffer.alloc(0), manifest });
    }
    registry.upstream = upstream;
    registry.server = http.createServer((req, res) => registry.answer(req, res));
    await new Promise((resolve) => registry.server.listen(0, '127.0.0.1', resolve));
    registry.url = `http://127.0.0.1:${registry.server.address().port}/`;
    return registry;
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }

  answer(req, res) {
    const target = decodeURIComponent(new URL(req.url, this.url).pathname.slice(1));
    const [name, file] = target.split('/-/');
    const found = this.packages.get(name);
    if (found !== undefined && file === undefined) {
      res.setHeader('Content-Type', 'application/json').end(JSON.stringify(this.packument(found)));
    } else if (found !== undefined && file === found.file) {
      this.downloads.push(name);
      res.setHeader('Content-Type', 'application/octet-stream').end(found.tarball);
    } else if (this.upstream !== undefined && !name.startsWith('@ferrohttp/')) {
      this.forward(req, res);
    } else {
      res.writeHead(404, { 'Content-Type': 'application/json' }).end('{"error":"not found"}');
    }
  }

  packument({ file, tarball, manifest }) {
    const { name, version } = manifest;
    const dist = {
      tarball: `${this.url}${name}/-/${file}`,
      shasum: crypto.createHash('sha1').update(tarball).digest('hex'),
      integrity: `sha512-${crypto.createHash('sha512').update(tarball).digest('base64')}`,
    };
    return {
      name,
      'dist-tags': { latest: version },
      versions: { [version]: { ...manifest, dist } },
      time: { [version]: '2020-01-01T00:00:00.000Z' },
    };
  }

  async forward(req, res) {
    try {
      const accept = req.headers.accept ?? '*/*';
      const answer = await fetch(new URL(req.url.slice(1), this.upstream), { headers: { accept } });
      const body = Buffer.from(await answer.arrayBuffer());
      res.writeHead(answer.status, { 'Content-Type': answer.headers.get('content-type') ?? 'application/json' }).end(body);
    } catch (error) {
      res.writeHead(502, { 'Content-Type': 'application/json' }).end(JSON.stringify({ error: error.message }));
    }
  }
}

module.exports = { Registry };
