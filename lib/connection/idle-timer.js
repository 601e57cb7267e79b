'use strict';
// Limits how long a connection may be idle between two requests. The timer is the socket's own timeout. Disarming keeps
// the timer and sets `socket.timeout` to 0; `_onTimeout` of our sockets then does nothing. Arming refreshes the timer
// if a new one would have the same effect.

const { idleIsPlain } = require('../host');
const { hasEnded, idleTimerOf } = require('../host/sockets');
const { Socket } = require('../socket');

class IdleTimer {
  constructor(connection) {
    this.connection = connection;
    this.armed = false;
    this.timer = null; // the socket's timer that `arm` has made
    this.milliseconds = 0;
  }

  arm(milliseconds) {
    const { socket } = this.connection;
    const { timer } = this;
    if (timer !== null && idleTimerOf(socket) === timer && !hasEnded(timer) && idleIsPlain() &&
        this.milliseconds === milliseconds) {
      socket.timeout = milliseconds;
      timer.refresh();
    } else {
      socket.setTimeout(milliseconds);
      this.timer = socket instanceof Socket ? idleTimerOf(socket) : null;
      this.milliseconds = milliseconds;
    }
    this.armed = true;
  }

  disarm() {
    const { server, socket } = this.connection;
    const { timer } = this;
    this.armed = false;
    if (!server.timeout && timer !== null && idleTimerOf(socket) === timer && idleIsPlain()) socket.timeout = 0;
    else socket.setTimeout(server.timeout || 0);
  }
}

module.exports = { IdleTimer };
