import { FAILED_SUFFIX } from '../../lib/contract';
import { CallError } from '../../lambda/aws/ports';
import { CLAIM_SABOTAGES } from './claim-sabotage';
import type { Device } from './declaration';
import { CALM, type FaultPlan } from './faults';
import { History, MISTAKES, type Scenario, type Shared, type Step } from './history';
import { D1, PLAIN } from './plain';
import { NONE, type Sabotage } from './sabotage';
import type { Change } from './stack-declaration';
import { withIam, type Wrap } from './wrapped-shell';

/*
 * Each rule alone: the histories that it is for hold with it, and break without it.
 */

const ENROLLMENT: Shared = { kind: 'enrollment', user: 'ivy', device: 'd1' };
const DEVICE: Shared = { kind: 'device', name: 'm1', user: 'ivy' };
const OWN_DEVICE = { secret: 'default', tags: 'none', user: 'ivy', retain: 'nothing', provider: 'own' } as const;

async function violations(
  steps: readonly Step[],
  sabotage: Sabotage = NONE,
  options: Partial<Omit<Scenario, 'steps'>> = {},
): Promise<string[]> {
  const found = await new History({ ...PLAIN, ...options, steps }, sabotage).run();
  return found.map(({ invariant }) => invariant);
}

/** The violations in any of these histories. */
async function inAny(histories: readonly (readonly Step[])[], sabotage?: Sabotage): Promise<string[]> {
  const found: string[] = [];
  for (const steps of histories) {
    found.push(...(await violations(steps, sabotage)));
  }
  return [...new Set(found)];
}

/** The draws of faults, enough that each rule's case is among them. The number of a draw also moves the moment. */
const withFaults = (faults: Partial<FaultPlan>, draws: readonly number[]) =>
  draws.map((draw) => ({ draw, faults: { ...CALM, ...faults, seed: draw } }));
const sabotage = (name: string) => CLAIM_SABOTAGES[name]!();
const inTurn =
  (inner: Wrap, outer: Wrap): Wrap =>
  (shell, event) =>
    outer(inner(shell, event), event);

describe('what a removal policy kept survives every mistake in declaring it again', () => {
  const again = (what: Shared, mistake: (typeof MISTAKES)[number], cancelAfterMs?: number): Step => ({
    do: 'declare a kept one again',
    stack: 'North',
    what,
    mistake,
    hours: 25,
    faults: CALM,
    cancelAfterMs,
  });
  const histories = [ENROLLMENT, DEVICE].flatMap((what) => [
    ...MISTAKES.map((mistake) => [again(what, mistake)]),
    ...[1_000, 5_000, 40_000].map((ms) => [again(what, 'none', ms)]),
  ]);

  test('with the rules', async () => {
    expect(await inAny(histories)).toEqual([]);
  });

  test('not if claims of every creation count as own', async () => {
    expect(await inAny(histories, sabotage('claims without creation ids'))).toContain('kept');
  });

  test('not if a claim forgets the one that it replaced', async () => {
    expect(await inAny(histories, sabotage('forget the kept claim'))).toContain('kept');
  });
});

describe('who leaves reads claims again inside each retry', () => {
  const histories = withFaults({ bucket: { perSecond: 0.2, burst: 3 } }, [2, 9, 16, 23]).flatMap(({ draw, faults }) =>
    [ENROLLMENT, DEVICE].map((what): Step[] => [
      { do: 'act at once', what, both: 'leave and join', by: 'update', offsetMs: (draw - 1) * 100, faults },
    ]),
  );

  test('with the rules', async () => {
    expect(await inAny(histories)).toEqual([]);
  });

  test('not if claims are read once', async () => {
    expect(await inAny(histories, sabotage('read claims once'))).not.toEqual([]);
  });
});

describe('two stacks that leave at the same moment leave nothing behind', () => {
  const histories = withFaults({ readDelay: 3_000 }, [1, 8, 15]).flatMap(({ draw, faults }) =>
    [ENROLLMENT, DEVICE].map((what): Step[] => [
      { do: 'act at once', what, both: 'leave', by: 'destroy', offsetMs: (draw - 1) * 50, faults },
    ]),
  );

  test('with the rules', async () => {
    expect(await inAny(histories)).toEqual([]);
  });

  test.each(['write no mark', 'ignore marks'])('not with: %s', async (name) => {
    expect(await inAny(histories, sabotage(name))).not.toEqual([]);
  });
});

describe('a second delivery of a Create does not bring back what was deleted', () => {
  const add = (device: Device, faults: FaultPlan): Step => ({
    do: 'deploy',
    stack: 'North',
    change: { kind: 'add', enrollment: { ...D1, device } },
    faults,
  });
  // The provider stays for the other enrollment, and the policy is in force for a while.
  const histories = withFaults({ duplicate: 1 }, [3, 4, 14, 26, 45, 73]).map(({ draw, faults }): Step[] => [
    add('d2', CALM),
    add('d1', faults),
    {
      do: 'deploy',
      stack: 'North',
      change: { kind: 'remove', index: 1 },
      faults: { ...CALM, policyDelay: 60_000 },
      soonMs: (draw - 1) * 600,
    },
  ]);

  test('with the rules', async () => {
    expect(await inAny(histories)).toEqual([]);
  });

  test.each(['write no mark', 'ignore marks'])('not with: %s', async (name) => {
    expect(await inAny(histories, sabotage(name))).not.toEqual([]);
  });
});

describe('the Delete of a failed Create leaves the successful retry alone', () => {
  const rolledForward = (change: Change): Step[] => [
    { do: 'deploy', stack: 'North', change, faults: CALM, afterFailure: { then: 'roll forward', faults: CALM } },
  ];
  const enrollment = rolledForward({ kind: 'add', enrollment: D1 });
  const device = rolledForward({ kind: 'stack device', change: { kind: 'add device', device: OWN_DEVICE } });
  /** The first Create fails after it has enabled the device; of a device, after it has created it. */
  const failing = (): Sabotage => {
    let first: string | undefined;
    return {
      shell: (shell, { RequestType, RequestId }) => {
        first ??= RequestType === 'Create' ? RequestId : undefined;
        return RequestId === first ? { ...shell, deliver: (url, body) => shell.deliver(url, asFailure(body)) } : shell;
      },
    };
  };
  const asFailure = (body: string) => {
    const { PhysicalResourceId, ...others } = JSON.parse(body) as Record<string, string>;
    const id = `${PhysicalResourceId}${FAILED_SUFFIX}`;
    return JSON.stringify({ ...others, PhysicalResourceId: id, Status: 'FAILED', Reason: 'failed' });
  };
  const orders = ['delete first', 'delete last'] as const;

  test.each(orders)('with the rules: %s', async (failedResourceOrder) => {
    expect(await violations(enrollment, failing(), { failedResourceOrder })).toEqual([]);
    expect(await violations(device, failing(), { failedResourceOrder })).toEqual([]);
  });

  test('not if claims of every creation count as own', async () => {
    const both = { ...failing(), shell: inTurn(failing().shell!, sabotage('claims without creation ids').shell!) };
    expect(await violations(enrollment, both)).toContain('enrolled');
  });

  test('not if the secret of a failed Create is deleted', async () => {
    const both = { ...failing(), ...sabotage('delete the secret of a failed Create') };
    expect(await violations(device, both, { failedResourceOrder: 'delete first' })).toContain('untouched');
  });
});

test.each([
  ['delete first', []],
  ['delete last', ['a Create that never answered, and a later one that succeeded']],
] as const)(
  'a Create that never answered undoes the successful retry only if its Delete comes last: %s',
  async (failedResourceOrder, exceptions) => {
    const change: Change = { kind: 'add', enrollment: D1 };
    // The function dies before it responds.
    const faults = { ...CALM, death: 1, seed: 3 };
    const steps: Step[] = [
      { do: 'deploy', stack: 'North', change, faults, afterFailure: { then: 'roll forward', faults: CALM } },
    ];
    const history = new History({ ...PLAIN, failedResourceOrder, steps }, NONE);
    expect(await history.run()).toEqual([]);
    expect([...history.world.exceptions.keys()]).toEqual(exceptions);
  },
);

describe('a seed outlives every failed Delete of its device', () => {
  const steps: Step[] = [
    {
      do: 'deploy',
      stack: 'North',
      change: {
        kind: 'stack device',
        change: { kind: 'add device', device: OWN_DEVICE },
      },
      faults: CALM,
    },
    { do: 'destroy', stack: 'North', faults: CALM },
    { do: 'deploy', stack: 'North', change: { kind: 'redeploy' }, faults: CALM },
  ];
  /** Neither enrollments nor devices can be undone. */
  const denied: Sabotage = {
    shell: (shell, { RequestType }) =>
      RequestType === 'Delete'
        ? withIam(shell, () => ({
            listMFADeviceTags: () => Promise.reject(new CallError('iam:ListMFADeviceTags', 'AccessDenied', 403)),
          }))
        : shell,
  };

  test.each(['goes on', 'stops'] as const)(
    'and the printed commands finish the deletion if it %s',
    async (deletionAfterFailure) => {
      expect(await violations(steps, denied, { deletionAfterFailure })).toEqual([]);
    },
  );

  test('not if CloudFormation deletes the secret', async () => {
    const both = { ...denied, ...sabotage('let CloudFormation delete the secret') };
    expect(await violations(steps, both)).toContain('stored');
  });
});
