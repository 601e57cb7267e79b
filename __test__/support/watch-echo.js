'use strict';

// What moves in the kernel's network, on any system. A byte of this module's own connection is sent behind everything
// that was sent before, and the loopback interface keeps that order: once the byte has arrived, the rest has.
//
// The other threads cannot be seen. But the one that accepts connections takes them in the order in which they came: once
// it has refused a request of this module's own, it has passed on to JavaScript what came before.

const net = require('node:net');
const { createServer } = require('../..');
const { supported: hasThreads } = require('../../lib/engine');

const STABLE_PASSES = 3;

let connection;
/** The callbacks of those who wait for a byte, in the order of the bytes. */
const waiters = [];

async function open() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise((resolve) => server.once('connection', resolve));
  const client = net.connect({ port: server.address().port, host: '127.0.0.1', noDelay: true });
  const socket = await accepted;
  server.close();
  socket.on('data', ({ length }) => {
    for (const resolve of waiters.splice(0, length)) resolve();
    // The connection must not keep a process alive that has nothing else to do.
    if (waiters.length === 0) client.unref();
  });
  socket.unref();
  client.unref();
  return client;
}

let refuser;

/** A server whose requests are refused by the thread that accepts them, because no listener can see that. */
async function openRefuser() {
  const server = createServer().unref();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: server.address().port, host: '127.0.0.1', noDelay: true };
}

/** Resolves when the thread that accepts connections has passed on all that arrived before. */
async function threadPass() {
  refuser ??= openRefuser();
  const client = net.connect(await refuser);
  client.write('BAD\r\n\r\n');
  await new Promise((resolve, reject) => client.on('error', reject).resume().on('end', resolve));
}

/** Resolves when everything that was sent before has arrived. */
async function networkPass() {
  if (hasThreads) await threadPass();
  connection ??= open();
  const client = await connection;
  client.ref();
  await new Promise((resolve) => {
    waiters.push(resolve);
    client.write('x');
  });
}

module.exports = { STABLE_PASSES, networkIsEmpty: () => true, networkPass, otherThreadsAtRest: () => '', seesThreads: false };
