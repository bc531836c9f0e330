'use strict';
// A warm function: handles one event after the other and reports the CPU time of each, in milliseconds, which excludes
// waiting for the network. Sleeps are skipped; its clock advances by their duration.
const timers = require('node:timers/promises');
const { performance } = require('node:perf_hooks');

let skipped = 0;
const now = performance.now.bind(performance);
performance.now = () => now() + skipped;
timers.setTimeout = (ms) => {
  skipped += ms;
  return Promise.resolve();
};

const { handler } = require(process.argv[2]);

process.on('message', async (event) => {
  const before = process.cpuUsage();
  await handler(event, { getRemainingTimeInMillis: () => 15 * 60_000 });
  const { user, system } = process.cpuUsage(before);
  process.send((user + system) / 1000);
});
