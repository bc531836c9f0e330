'use strict';
// A cold start: loads a bundle and invokes it with an event. Reports the time to load and the time to the third
// response of AWS, in milliseconds, and the peak memory, in bytes.
const { subscribe } = require('node:diagnostics_channel');
const { performance } = require('node:perf_hooks');

const [file, event] = process.argv.slice(2);

let answers = 0;
let thirdAnswer;
subscribe('http.client.response.finish', () => {
  answers += 1;
  if (answers === 3) thirdAnswer = performance.now();
});

const start = performance.now();
const { handler } = require(file);
const loaded = performance.now();

void handler(JSON.parse(event), { getRemainingTimeInMillis: () => 15 * 60_000 }).then(() => {
  if (thirdAnswer === undefined) throw new Error(`expected 3 responses of AWS, got ${answers}`);
  const { maxRSS } = process.resourceUsage();
  process.send({ load: loaded - start, thirdAnswer: thirdAnswer - start, peakMemory: maxRSS * 1024 });
  process.disconnect();
});
