'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

// Runs the native side (crates/h1-testing/examples) as a process. It gets batches of cases and returns transcripts.
class Peer {
  constructor(binary, args) {
    this.child = spawn(binary, args.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
    this.chunks = [];
    this.length = 0;
    this.waiting = [];
    this.child.stdout.on('data', (chunk) => this.received(chunk));
    this.child.on('error', (error) => this.failed(error));
    this.child.on('exit', (code, signal) => this.failed(new Error(`peer ended: ${code ?? signal}`)));
    this.child.stdin.on('error', () => {});
  }

  // Transcripts of `tests`, in order, as latin1 strings.
  ask(tests) {
    this.child.stdin.write(encode(tests));
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  end() {
    this.child.stdin.end();
  }

  failed(error) {
    for (const { reject } of this.waiting.splice(0))
      reject(error);
  }

  received(chunk) {
    this.chunks.push(chunk);
    this.length += chunk.length;
    while (this.length >= 4) {
      if (this.chunks[0].length < 4)
        this.chunks = [Buffer.concat(this.chunks)];
      const need = 4 + this.chunks[0].readUInt32LE(0);
      if (this.length < need)
        return;
      const all = this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks);
      this.chunks = all.length > need ? [all.subarray(need)] : [];
      this.length -= need;
      this.waiting.shift().resolve(decode(all.subarray(4, need)));
    }
  }
}

// The newest build of the native side. It may be a debug build of `cargo test`.
function findPeer() {
  const target = process.env.CARGO_TARGET_DIR ?? path.join(__dirname, '../../target');
  const program = process.platform === 'win32' ? 'parser-parity-peer.exe' : 'parser-parity-peer';
  return ['release', 'debug']
    .map((profile) => path.join(target, profile, 'examples', program))
    .filter((file) => fs.existsSync(file))
    .sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs)[0];
}

function encode(tests) {
  let size = 4;
  for (const test of tests) {
    size += 20;
    for (const packet of test.packets)
      size += 4 + packet.length;
  }
  const batch = Buffer.allocUnsafe(size);
  let at = batch.writeUInt32LE(size - 4, 0);
  for (const test of tests) {
    const flags = (test.accept ? 1 : 0) | (test.fin ? 2 : 0) | (test.fastPath ? 4 : 0);
    at = batch.writeUInt32LE(flags, at);
    at = batch.writeUInt32LE(test.lenient, at);
    at = batch.writeUInt32LE(test.maxHeaderSize, at);
    at = batch.writeInt32LE(test.maxHeaderPairs, at);
    at = batch.writeUInt32LE(test.packets.length, at);
    for (const packet of test.packets) {
      at = batch.writeUInt32LE(packet.length, at);
      at += packet.copy(batch, at);
    }
  }
  return batch;
}

function decode(answer) {
  const transcripts = [];
  for (let at = 0; at < answer.length;) {
    const length = answer.readUInt32LE(at);
    transcripts.push(answer.latin1Slice(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return transcripts;
}

module.exports = { Peer, findPeer };
