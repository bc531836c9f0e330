import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { run } from './commands';
import { type Environment, type Keyboard, type Output } from './environment';
import { EXIT } from './exit-codes';

/** Written by scripts/bundle-cli.mjs. */
declare const VERSION: string;

const CTRL_C = '\x03';
/** The terminal's size if it doesn't say. */
const COLUMNS = 80;
const ROWS = 24;

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interruption.abort());
}

const environment: Environment = {
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  keyboard: keyboardOf(process.stdin),
  variables: process.env,
  clock: {
    // Unaffected when somebody sets the machine's clock.
    now: () => performance.now(),
    sleep: (ms, signal) => setTimeout(ms, undefined, { signal }),
  },
  interruption: interruption.signal,
  connect: async (region) => {
    const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
    const { SdkAws } = await import('./aws/sdk');
    // The AWS CLI reads both variables, the SDK for JavaScript only the first.
    return new SdkAws(environment.clock, region ?? (AWS_REGION || AWS_DEFAULT_REGION || undefined));
  },
};

function outputOf(stream: NodeJS.WriteStream): Output {
  return {
    isTTY: stream.isTTY,
    get columns() {
      return stream.columns || COLUMNS;
    },
    get rows() {
      return stream.rows || ROWS;
    },
    write: (text) => void stream.write(text),
  };
}

function keyboardOf(stream: NodeJS.ReadStream): Keyboard {
  return {
    isTTY: stream.isTTY,
    pressed: (signal) =>
      new Promise((resolve) => {
        const end = (key: 'enter' | 'interrupt') => {
          stream.off('data', read).off('end', interrupt);
          signal.removeEventListener('abort', interrupt);
          stream.setRawMode(false).pause();
          resolve(key);
        };
        const interrupt = () => end('interrupt');
        const read = (keys: Buffer) => {
          const text = keys.toString();
          if (text.includes(CTRL_C)) {
            end('interrupt');
          } else if (/[\r\n]/.test(text)) {
            end('enter');
          }
        };
        // Otherwise the terminal would show what is typed, on top of the picture.
        stream.setRawMode(true).on('data', read).on('end', interrupt).resume();
        signal.addEventListener('abort', interrupt);
      }),
  };
}

/** Nobody reads the output any more, as in `code | true`. */
process.stdout.on('error', () => process.exit(EXIT.REFUSED));

/** A call that is under way would keep the process alive. */
const interrupted = new Promise<number>((resolve) => {
  interruption.signal.addEventListener('abort', () => {
    // After the command has cleared the screen.
    setImmediate(() => resolve(EXIT.INTERRUPTED));
  });
});

void Promise.race([run(process.argv.slice(2), VERSION, environment), interrupted]).then((status) => {
  process.exitCode = status;
  if (interruption.signal.aborted) {
    process.exit();
  }
});
