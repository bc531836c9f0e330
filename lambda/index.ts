import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SdkIam, SdkSeedStore } from './aws/sdk';
import { deliver } from './delivery';
import { LineLogger } from './logger';
import { type CustomResourceEvent, type InvocationContext, serve, type Shell } from './protocol';

const clock = { now: () => performance.now(), sleep: (ms: number) => sleep(ms) };

const shell: Shell = {
  clock,
  iam: new SdkIam(clock),
  seeds: new SdkSeedStore(),
  random: Math.random,
  uuid: () => randomUUID(),
  // The local AWS sets it; nothing else does.
  isLocal: process.env.CDK_MFA_ENROLLMENT_LOCAL === 'true',
  deliver: async (responseUrl, body) => deliver(responseUrl, body),
  // eslint-disable-next-line no-console -- Lambda takes what is written here as the function's log
  logger: new LineLogger((line) => console.log(line)),
};

/** What Lambda calls. */
export async function handler(event: CustomResourceEvent, context: InvocationContext): Promise<void> {
  await serve(event, context, shell);
}
