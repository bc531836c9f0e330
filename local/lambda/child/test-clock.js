'use strict';
/**
 * Preloaded if the parent's clock is not the machine's. The function then sleeps on the parent's clock, and reads the
 * time that the parent sent last. Timers and `new Date()` stay real, because the SDK's connections depend on them.
 */
const timers = require('node:timers/promises');
const { performance } = require('node:perf_hooks');

let now = 0;
let start;
let sleeps = 0;
const awake = new Map();

process.on('message', (message) => {
  if (message.now === undefined) return;
  now = message.now;
  start ??= now;
  if (message.type !== 'awake') return;
  awake.get(message.sleep)?.();
  awake.delete(message.sleep);
});

timers.setTimeout = (ms, value, { signal } = {}) =>
  new Promise((resolve, reject) => {
    const abort = () =>
      reject(Object.assign(new Error('The operation was aborted'), { name: 'AbortError', code: 'ABORT_ERR' }));
    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    const sleep = ++sleeps;
    awake.set(sleep, () => resolve(value));
    process.send({ type: 'sleep', sleep, ms: ms ?? 1 });
  });
Date.now = () => now;
performance.now = () => now - (start ?? now);
