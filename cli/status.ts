import { type Environment } from './environment';
import { EXIT } from './exit-codes';

/** Compares what stacks declare with what is there. */
export function status(
  _options: { readonly stacks: string[]; readonly regions: string[]; readonly json: boolean },
  environment: Environment,
): Promise<number> {
  environment.stderr.write('status: not available\n');
  return Promise.resolve(EXIT.REFUSED);
}
