// Loaded before the command line: the machine's clock shows MACHINE_TIME, and stands still.
const { performance } = require('node:perf_hooks');

const now = Number(process.env.MACHINE_TIME);
delete process.env.MACHINE_TIME;
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [now] : args));
  }

  static now() {
    return now;
  }
};
Object.defineProperty(performance, 'now', { value: () => 0 });
