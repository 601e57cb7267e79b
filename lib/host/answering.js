'use strict';
// Whether a refusal can be answered. This file loads nothing, so that level `node` can use it, too.

/** Whether a reply can be sent. A reply behind the head of a response would corrupt that response. */
function canAnswer(socket) {
  return Boolean(socket?.writable) && !socket._httpMessage?._headerSent;
}

module.exports = { canAnswer };
