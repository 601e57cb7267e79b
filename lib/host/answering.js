'use strict';
// Whether a refusal can be answered. Loads nothing, so that level `node` has it, too.

/** Whether a reply can be sent: it would corrupt a response whose head is on its way already. */
function canAnswer(socket) {
  return Boolean(socket?.writable) && !socket._httpMessage?._headerSent;
}

module.exports = { canAnswer };
