'use strict';
/**
 * What Lambda's Node.js runtime is in the cloud, in a process of its own: it loads the handler, takes one event at a
 * time from the parent, and says how it ended. CommonJS functions with an asynchronous handler only.
 */

// Ctrl+C in a terminal reaches this process, too; it is the parent that ends it, when nobody waits for an answer any more.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
const path = require('node:path');

const taskRoot = process.env.LAMBDA_TASK_ROOT;
const handlerName = process.env._HANDLER;
const [file, exportName] = handlerName.split('.');
const handler = require(path.join(taskRoot, file))[exportName];
if (typeof handler !== 'function') throw new Error(`${handlerName} is undefined or not exported`);

/** Both streams end each attempt with this line, so that the parent knows that it has read all of the output. */
function endOutput(requestId) {
  process.stdout.write(`\0${requestId}\n`);
  process.stderr.write(`\0${requestId}\n`);
}

async function run({ requestId, event, context, deadline }) {
  const getRemainingTimeInMillis = () => Math.max(0, deadline - Date.now());
  const settled = await Promise.resolve()
    .then(() => handler(event, { ...context, getRemainingTimeInMillis }))
    .then(
      (value) => ({ kind: 'returned', value }),
      (error) => ({ kind: 'threw', errorType: String(error?.name), message: String(error?.message ?? error) }),
    );
  endOutput(requestId);
  process.send({ type: 'ended', ending: settled });
}

process.on('message', (message) => {
  if (message.type === 'invoke') void run(message);
});
// A parent that is gone waits for nothing.
process.on('disconnect', () => process.exit());
process.send({ type: 'ready' });
