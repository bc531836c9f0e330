import * as fc from 'fast-check';
import type { Throttle } from '../../local/iam';
import type { ManualStep } from './administrators';
import { DEVICES, IMPORTED, OWNED, PROVIDERS, STACKS } from './declaration';
import { type FaultPlan } from './faults';
import { type DeviceChange, NAMES, SEED_SECRETS } from './made-devices';
import { MISTAKES, type Scenario, type Shared, type Step } from './history';
import type { Change } from './stack-declaration';

const device = fc.constantFrom(...DEVICES);
const user = fc.constantFrom(...IMPORTED, ...OWNED);
const stack = fc.constantFrom(...STACKS);
const index = fc.nat({ max: 3 });
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const secret = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('plain' as const, 'json' as const) },
  { weight: 1, arbitrary: fc.constantFrom('wrong' as const, 'junk' as const) },
);
const spelling = fc.constantFrom('literal' as const, 'pseudo' as const, 'parameter' as const);
/** Usually true, because the steps after a refused Create test little. */
const adopt = fc.nat({ max: 3 }).map((drawn) => drawn > 0);
const provider = fc.constantFrom(...PROVIDERS);

const add: fc.Arbitrary<Change> = fc.record({
  kind: fc.constant('add' as const),
  enrollment: fc.record({ user, device, spelling, secret, adopt, retain: rarelyTrue(), provider }),
});

function rarelyTrue(): fc.Arbitrary<boolean> {
  return fc.nat({ max: 5 }).map((drawn) => drawn === 5);
}

const name = fc.option(fc.constantFrom(...NAMES), { nil: undefined });
const tags = fc.constantFrom('none' as const, 'one' as const, 'two' as const);
const seedSecret = fc.oneof(
  { weight: 1, arbitrary: fc.constant('default' as const) },
  { weight: 1, arbitrary: fc.constantFrom(...SEED_SECRETS) },
);
const enrolled = fc.oneof({ weight: 3, arbitrary: user }, { weight: 1, arbitrary: fc.constant(undefined) });
const retain = fc.oneof(
  { weight: 5, arbitrary: fc.constant('nothing' as const) },
  { weight: 1, arbitrary: fc.constantFrom('the device' as const, 'both' as const) },
);

const deviceChange: fc.Arbitrary<DeviceChange> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('add device' as const),
      device: fc.record({ name, secret: seedSecret, tags, user: enrolled, retain, provider }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'remove device',
        'rename construct',
        'move construct',
        'switch provider',
        'rotate',
        'rotate',
      ),
      index,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('name device' as const), index, name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('swap secret' as const), index, secret: seedSecret }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tag device' as const), index, tags }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('enroll' as const), index, user: enrolled }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('keep device' as const), index, retain }) },
);

/**
 * Half of the scenarios cover only enrollments of existing devices; the other half also cover devices that stacks
 * create. A scenario finds more when several of its steps concern the same kind of device.
 */
interface Theme {
  /** Weights of the changes and steps that concern devices that stacks create. */
  readonly changes: number;
  readonly steps: number;
}
const THEMES: readonly Theme[] = [
  { changes: 0, steps: 0 },
  { changes: 50, steps: 5 },
];

const changeIn = (theme: Theme): fc.Arbitrary<Change> =>
  fc.oneof(
    {
      weight: theme.changes,
      arbitrary: fc.record({ kind: fc.constant('stack device' as const), change: deviceChange }),
    },
    { weight: 5, arbitrary: add },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constantFrom('remove', 'rename', 'move', 'adopt', 'retain', 'provider'),
        index,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constantFrom('device' as const, 'parameter' as const), index, device }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('user' as const), index, user }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('secret' as const), index, secret }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('spelling' as const), index, spelling }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('rename user' as const),
        user: fc.constantFrom(...OWNED),
        name: fc.option(fc.constantFrom('olga', 'otto', 'someone'), { nil: undefined }),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'redeploy' as const }) },
    { weight: 3, arbitrary: fc.constant({ kind: 'recheck' as const }) },
  );

const chance = (most: number) =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: most * 100 }).map((percent) => percent / 100) },
  );

const faultsWith = (tagsDenied: fc.Arbitrary<boolean>): fc.Arbitrary<FaultPlan> =>
  fc.record({
    seed: fc.nat({ max: 0x7fff_ffff }),
    calls: chance(0.3),
    duplicate: chance(0.6),
    late: chance(0.4),
    death: chance(0.15),
    policyDelay: fc.constantFrom(0, 0, 0, 5_000, 60_000),
    tagDelay: fc.constantFrom(0, 0, 0, 3_000, 8_000),
    bucket: fc.constantFrom<Throttle | undefined>(undefined, undefined, undefined, { perSecond: 1, burst: 2 }),
    recreatedDelay: fc.constantFrom(0, 0, 0, 45_000),
    readDelay: fc.constantFrom(0, 3_000, 8_000),
    secretDeletion: fc.constantFrom(0, 5_000, 20_000),
    tagsDenied,
  });
const faults = faultsWith(rarelyTrue());
/** Faults of an operation that the operator goes on from. */
const faultsOfFailure = faultsWith(fc.boolean());

const milliseconds = fc.integer({ min: 0, max: 120_000 });

const manualDeviceStep: fc.Arbitrary<ManualStep> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'deactivate a created device',
        'write to its secret',
        'delete a created device',
        're-create it',
        'remove its claims',
        'remove its seed version',
      ),
      index,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('create a device' as const), name: fc.constantFrom(...NAMES) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('enable a created device' as const),
      index,
      user: fc.constantFrom(...IMPORTED),
    }),
  },
);

/** How long after the operation before, whose duplicates can still run. */
const soonMs = fc.integer({ min: 0, max: 480_000 });

/** Something that both stacks can declare. */
const shared = (theme: Theme): fc.Arbitrary<Shared> =>
  fc.oneof(
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('enrollment' as const), user: fc.constantFrom(...IMPORTED), device }),
    },
    {
      weight: theme.changes,
      arbitrary: fc.record({
        kind: fc.constant('device' as const),
        name: fc.constantFrom(...NAMES),
        user: fc.constantFrom(...IMPORTED, undefined),
      }),
    },
  );

const stepIn = (theme: Theme): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constant('deploy' as const),
        stack,
        change: changeIn(theme),
        faults,
        breakAfterMs: rarely(milliseconds),
        cancelAfterMs: rarely(milliseconds),
        soonMs: rarely(soonMs),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('deploy' as const),
        stack,
        change: changeIn(theme),
        faults: faultsOfFailure,
        breakAfterMs: fc.option(milliseconds, { nil: undefined }),
        afterFailure: fc.record({
          then: fc.constantFrom(
            'roll forward' as const,
            'roll forward' as const,
            'roll back' as const,
            'delete' as const,
          ),
          faults,
          soonMs: fc.option(soonMs, { nil: undefined }),
        }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('move to the other stack' as const), stack, index, faults }) },
    {
      weight: theme.steps,
      arbitrary: fc.record({ do: fc.constant('move a device to the other stack' as const), stack, index, faults }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('destroy' as const), stack, faults, soonMs: rarely(soonMs) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('act at once' as const),
        what: shared(theme),
        otherUser: fc.option(fc.constantFrom(...IMPORTED), { nil: undefined }),
        both: fc.constantFrom('leave' as const, 'leave and join' as const, 'join' as const),
        by: fc.constantFrom('update' as const, 'destroy' as const),
        offsetMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 })),
        faults,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('declare a kept one again' as const),
        stack,
        what: shared(theme),
        mistake: fc.constantFrom(...MISTAKES),
        hours: fc.constantFrom(1, 25, 49),
        faults,
        breakAfterMs: rarely(milliseconds),
        cancelAfterMs: rarely(milliseconds),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constantFrom('enable' as const, 'deactivate' as const),
        device,
        user: fc.constantFrom(...IMPORTED),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('tag' as const, 'tag' as const, 'untag' as const, 'untag' as const, 'delete' as const),
        device,
      }),
    },
    { weight: theme.steps, arbitrary: manualDeviceStep },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 30 }) }) },
  );

const scenarioIn = (theme: Theme): fc.Arbitrary<Scenario> =>
  fc.record({
    seed: fc.nat({ max: 0x7fff_ffff }),
    signature: fc.constantFrom('date' as const, 'date' as const, 'expires' as const, 'none' as const),
    deletionAfterFailure: fc.constantFrom('goes on' as const, 'stops' as const),
    failedResourceOrder: fc.constantFrom('delete first' as const, 'delete last' as const),
    oldHalfOrder: fc.constantFrom('ordered' as const, 'unordered' as const),
    rollbackOfReplaced: fc.constantFrom('update-then-delete' as const, 'delete-only' as const),
    steps: fc.array(stepIn(theme), { minLength: 1, maxLength: 12, size: 'max' }),
  });

export const scenario: fc.Arbitrary<Scenario> = fc.oneof(...THEMES.map(scenarioIn));
