'use strict';
/**
 * A minimal Lambda runtime for Node.js in a child process: it loads the handler, runs one event at a time for the
 * parent, and reports how each ended. It supports only CommonJS functions with an asynchronous handler.
 */

// Ctrl+C in a terminal also signals this process. The parent kills it once no response is pending.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
const path = require('node:path');

const taskRoot = process.env.LAMBDA_TASK_ROOT;
const handlerName = process.env._HANDLER;
const [file, exportName] = handlerName.split('.');
const handler = require(path.join(taskRoot, file))[exportName];
if (typeof handler !== 'function') throw new Error(`${handlerName} is undefined or not exported`);

/** Marks the end of an attempt's output on both streams, so that the parent knows that it has read everything. */
function endOutput(requestId) {
  process.stdout.write(`\0${requestId}\n`);
  process.stderr.write(`\0${requestId}\n`);
}

async function run({ requestId, event, context, deadline }) {
  const getRemainingTimeInMillis = () => Math.max(0, deadline - Date.now());
  const ending = await Promise.resolve()
    .then(() => handler(event, { ...context, getRemainingTimeInMillis }))
    .then(
      (value) => ({ kind: 'returned', value }),
      (error) => ({ kind: 'threw', errorType: String(error?.name), message: String(error?.message ?? error) }),
    );
  endOutput(requestId);
  process.send({ type: 'ended', ending });
}

process.on('message', (message) => {
  if (message.type === 'invoke') void run(message);
});
// Without the parent, nothing uses this process.
process.on('disconnect', () => process.exit());
process.send({ type: 'ready' });
