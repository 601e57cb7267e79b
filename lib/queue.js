'use strict';
// A first-in-first-out queue in constant time. Array.prototype.shift would move all other items.

/** How many empty places may be at the front before the items are moved. */
const SLACK = 1024;

class Queue {
  constructor() {
    this.items = [];
    this.head = 0; // index of the first item
  }

  get length() {
    return this.items.length - this.head;
  }

  get first() {
    return this.items[this.head];
  }

  get last() {
    return this.items[this.items.length - 1];
  }

  push(item) {
    this.items.push(item);
  }

  shift() {
    const { items, head } = this;
    const item = items[head];
    if (items.length === 1) {
      // This is the common case. It keeps the memory of the array.
      items.pop();
      this.head = 0;
    } else if (head + 1 >= items.length) {
      this.items = [];
      this.head = 0;
    } else {
      items[head] = undefined;
      this.head++;
      if (this.head > SLACK && this.head * 2 > items.length) {
        this.items = items.slice(this.head);
        this.head = 0;
      }
    }
    return item;
  }
}

module.exports = { Queue };
