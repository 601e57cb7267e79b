'use strict';

/**
 * Takes commands over IPC, which are functions by name, and answers them. After 'stop' this does not keep the process
 * alive. The process ends when its parent does.
 */
module.exports = function takeOrders(orders) {
  let stopped = false;
  process.on('disconnect', () => {
    if (!stopped) process.exit(1);
  });
  process.on('message', async ({ number, order, ...more }) => {
    let answer;
    try {
      answer = { number, answer: await orders[order](more) };
    } catch (error) {
      answer = { number, error: { message: error.message, code: error.code } };
    }
    if (!process.connected) return;
    process.send(answer, () => {
      if (order !== 'stop') return;
      stopped = true;
      process.disconnect();
    });
  });
};
