import { codePairAt, next, startOf, stepAt } from '../lambda/totp';
import { type Environment } from './environment';
import { EXIT } from './exit-codes';
import { seedFor, type Selection } from './seed-source';

/** AWS tells whole seconds, so its clock can be that much ahead of what it told. */
const DATE_RESOLUTION_MS = 1000;

/** Prints the current code, and nothing else: scripts pipe it. */
export async function code(
  options: {
    readonly selection: Selection;
    readonly region?: string;
    /** Seconds. If the current code is valid for less, the next one is awaited. */
    readonly validFor: number;
  },
  environment: Environment,
): Promise<number> {
  const { clock, interruption, stderr, stdout } = environment;
  const aws = await environment.connect(options.region);
  const seed = await seedFor(options.selection, aws);

  let step = stepAt(aws.time());
  const msLeft = () => startOf(next(step)) - aws.time() - DATE_RESOLUTION_MS;
  if (msLeft() < options.validFor * 1000) {
    step = next(step);
    const wait = startOf(step) - aws.time();
    if (stderr.isTTY) {
      stderr.write(`Waiting ${Math.ceil(wait / 1000)} s for the next code.\n`);
    }
    await clock.sleep(wait, interruption);
  }
  const [, current] = codePairAt(seed, step).reveal();
  stdout.write(`${current}\n`);
  if (stderr.isTTY) {
    stderr.write(`Valid for ${Math.max(0, Math.floor(msLeft() / 1000))} s.\n`);
  }
  return EXIT.FINE;
}
