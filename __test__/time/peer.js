'use strict';

// The clients live in a process that acts only when it is told to (tools/time-peer). This thread blocks until the process
// has obeyed, so that no server of this process gets a turn between the commands of one frame.

const { execFileSync, spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const CRATE = path.resolve(__dirname, '../../tools/time-peer');
const BINARY = path.join(CRATE, 'target/release/time-peer');
const ROOM = path.join(CRATE, 'target/release/libtime_room.so');

/** How a connection has ended, by the number in its report. */
const ENDS = ['open', 'FIN', 'RST', 'left'];
const UNLIMITED = 0xffffffff;

const KINDS = {
  connect: 1, send: 2, fin: 3, reset: 4, close: 5, read: 6, pump: 7, report: 8, forget: 9,
  flood: 10, ask: 11, progress: 12, await: 13,
};

function build() {
  const { status } = spawnSync('cargo', ['build', '--release', '--locked', '--quiet'],
    { cwd: CRATE, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error('tools/time-peer does not build');
}

/**
 * The environment of a process in which the kernel has room for a fixed number of bytes on connections to small clients
 * (tools/time-peer/src/room.rs).
 */
function fixedRoom() {
  build();
  return { LD_PRELOAD: ROOM };
}

/** Throws unless this process was started with that environment: a loader only warns of a library that it cannot load. */
function assertFixedRoom() {
  if (!fs.readFileSync('/proc/self/maps', 'utf8').includes(ROOM)) throw new Error(`${ROOM} was not loaded into this process`);
}

/** The answer to a frame. */
class Answer {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  number() {
    this.at += 8;
    return this.bytes.readDoubleLE(this.at - 8);
  }

  text() {
    const length = this.number();
    this.at += length;
    return this.bytes.latin1Slice(this.at - length, this.at);
  }
}

class Peer {
  static start() {
    build();
    const peer = new Peer();
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'time-peer-'));
    const pipes = ['commands', 'answers'].map((name) => path.join(folder, name));
    execFileSync('mkfifo', pipes);
    peer.child = spawn(BINARY, pipes, { stdio: ['ignore', 'inherit', 'inherit'] });
    peer.child.unref();
    // Each of these calls waits for the other side, which opens the files in the same order.
    peer.commands = fs.openSync(pipes[0], 'w');
    peer.answers = fs.openSync(pipes[1], 'r');
    fs.rmSync(folder, { recursive: true });
    peer.parts = [];
    peer.readers = [];
    peer.nextId = 0;
    return peer;
  }

  /** Adds a command to the next frame. Numbers and blobs are its arguments. */
  add(kind, id, ...args) {
    const head = Buffer.alloc(5);
    head[0] = KINDS[kind];
    head.writeUInt32LE(id, 1);
    this.parts.push(head);
    for (const arg of args) {
      const number = Buffer.alloc(4);
      number.writeUInt32LE(typeof arg === 'number' ? arg : arg.length);
      this.parts.push(number);
      if (typeof arg !== 'number') this.parts.push(arg);
    }
  }

  /** Adds a command that is answered: `read` gets the answer when the frame has run. */
  ask(kind, id, args, read) {
    this.add(kind, id, ...args);
    this.readers.push(read);
  }

  /** Sends the frame unless it is empty, and waits until it is obeyed. */
  run() {
    if (this.parts.length === 0) return;
    const length = Buffer.alloc(4);
    length.writeUInt32LE(this.parts.reduce((sum, part) => sum + part.length, 0));
    const frame = Buffer.concat([length, ...this.parts]);
    this.parts = [];
    for (let at = 0; at < frame.length;) at += fs.writeSync(this.commands, frame, at);
    const answer = new Answer(this.readAnswer());
    const readers = this.readers;
    this.readers = [];
    for (const read of readers) read(answer);
  }

  readAnswer() {
    let bytes = Buffer.allocUnsafe(1 << 16);
    let wanted = 4;
    for (let at = 0; at < wanted;) {
      const n = fs.readSync(this.answers, bytes, at, bytes.length - at, null);
      if (n === 0) throw new Error('time-peer has ended');
      if (at < 4 && at + n >= 4) {
        wanted = 4 + bytes.readUInt32LE();
        if (wanted > bytes.length) bytes = Buffer.concat([bytes], wanted);
      }
      at += n;
    }
    return bytes.subarray(4);
  }

  /** Lets all clients send what they can, and read all that there is, or `most` bytes. Returns whether anything moved. */
  pump(most = UNLIMITED) {
    let moved;
    this.ask('pump', 0, [most], (answer) => {
      moved = answer.number() !== 0;
    });
    this.run();
    return moved;
  }

  stop() {
    fs.closeSync(this.commands);
    fs.closeSync(this.answers);
  }
}

module.exports = { ENDS, Peer, UNLIMITED, assertFixedRoom, fixedRoom };
