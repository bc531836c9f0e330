import { App, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { DEVICE_RESOURCE_TYPE, ENROLLMENT_RESOURCE_TYPE } from '../../lib/contract';
import { MfaEnrollment } from '../../lib';
import { type Action } from '../../lambda/aws/ports';
import { type CustomResourceEvent, type InvocationContext, serve } from '../../lambda/protocol';
import { InProcessAccount } from '../../local/in-process-account';
import type { FunctionLifetime } from '../../local/lambda';
import { directChannel } from '../../local/ports';
import type { Figure } from '../figure';

const REGION = 'eu-west-1';
/** Both ways together. */
const MS_PER_CALL = 200;
const MOST_CALLS: Readonly<Record<string, number>> = {
  'enrollment.create': 6,
  'enrollment.delete': 6,
  'device.create': 7,
  'device.delete': 8,
};
const MOST_DELETE_SECONDS = 3;

const NAMES: Readonly<Record<string, string>> = {
  [ENROLLMENT_RESOURCE_TYPE]: 'enrollment',
  [DEVICE_RESOURCE_TYPE]: 'device',
};

/** One request to the function. */
interface Served {
  readonly name: string;
  calls: number;
  seconds: number;
}

/** Deploys and destroys the one-line enrollment in virtual time, and counts the calls and seconds of each request. */
export async function oneLineFigures(): Promise<Figure[]> {
  const account = new OneLineAccount();
  const { clock, cloudFormation } = account;
  const request = { stackName: 'OneLine', template: oneLineTemplate() };
  const startedAt = clock.now();
  const { status } = await clock.run(cloudFormation.createStack(request));
  const deployedAt = clock.now();
  const after = await clock.run(cloudFormation.deleteStack(request.stackName));
  if (status !== 'CREATE_COMPLETE' || after.status !== 'DELETE_COMPLETE') {
    throw new Error(`the one-line enrollment ended ${status} and ${after.status}`);
  }
  return [
    { name: 'deployment.oneLine.deploy', value: (deployedAt - startedAt) / 1000, unit: 's' },
    { name: 'deployment.oneLine.destroy', value: (clock.now() - deployedAt) / 1000, unit: 's' },
    ...account.served.flatMap(({ name, calls, seconds }): Figure[] => [
      { name: `deployment.oneLine.${name}.calls`, value: calls, unit: 'count', atMost: MOST_CALLS[name] },
      {
        name: `deployment.oneLine.${name}.time`,
        value: seconds,
        unit: 's',
        ...(name.endsWith('delete') && { atMost: MOST_DELETE_SECONDS }),
      },
    ]),
  ];
}

function oneLineTemplate(): Readonly<Record<string, unknown>> {
  const app = new App({ analyticsReporting: false, context: { 'aws:cdk:disable-asset-staging': true } });
  const stack = new Stack(app, 'OneLine', { env: { account: InProcessAccount.accountId, region: REGION } });
  new MfaEnrollment(stack, 'AliceMfa', { user: new iam.User(stack, 'Alice') });
  return app.synth().getStackByName(stack.stackName).template as Readonly<Record<string, unknown>>;
}

class OneLineAccount extends InProcessAccount {
  readonly served: Served[] = [];

  constructor() {
    super({ region: REGION, random: () => 0.5, maxDelayMs: MS_PER_CALL });
  }

  protected override async handle(
    event: CustomResourceEvent,
    context: InvocationContext,
    life: FunctionLifetime,
  ): Promise<void> {
    const name = `${NAMES[event.ResourceType]}.${event.RequestType.toLowerCase()}`;
    const served: Served = { name, calls: 0, seconds: 0 };
    this.served.push(served);
    const startedAt = this.clock.now();
    const count = <T>(action: Action, effect: () => T): Promise<T> => {
      served.calls++;
      return directChannel(action, effect);
    };
    await serve(event, context, this.shellFor(event, life, count));
    served.seconds = (this.clock.now() - startedAt) / 1000;
  }
}
