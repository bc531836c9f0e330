import * as fc from 'fast-check';
import { Change, DEVICES, IMPORTED, OWNED, STACKS } from './declaration';
import { FaultPlan } from './faults';
import type { Step, Story } from './history';

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
const provider = fc.constantFrom('own' as const, 'second' as const);

const add: fc.Arbitrary<Change> = fc.record({
  kind: fc.constant('add' as const),
  enrollment: fc.record({ user, device, spelling, secret, adopt: fc.boolean(), retain: rarelyTrue(), provider }),
});

function rarelyTrue(): fc.Arbitrary<boolean> {
  return fc.nat({ max: 5 }).map((drawn) => drawn === 5);
}

const change: fc.Arbitrary<Change> = fc.oneof(
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
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('secret' as const), index, secret }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('spelling' as const), index, spelling }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('rename user' as const),
      user: fc.constantFrom(...OWNED),
      name: fc.option(fc.constantFrom('olga', 'otto', 'someone'), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'again' as const }) },
);

const chance = (most: number) =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: most * 100 }).map((percent) => percent / 100) },
  );

const faults: fc.Arbitrary<FaultPlan> = fc.record({
  seed: fc.nat({ max: 0x7fff_ffff }),
  calls: chance(0.3),
  duplicate: chance(0.6),
  late: chance(0.4),
  death: chance(0.15),
  policyDelay: fc.constantFrom(0, 0, 0, 5_000, 60_000),
  tagDelay: fc.constantFrom(0, 0, 0, 3_000, 8_000),
  bucket: fc.constantFrom(undefined, undefined, undefined, { perSecond: 1, burst: 2 }),
  recreatedDelay: fc.constantFrom(0, 0, 0, 45_000),
});

const milliseconds = fc.integer({ min: 0, max: 120_000 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('deploy' as const),
      stack,
      change,
      faults,
      breakAfterMs: rarely(milliseconds),
      cancelAfterMs: rarely(milliseconds),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('move to the other stack' as const), stack, index, faults }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy' as const), stack, faults }) },
  {
    weight: 2,
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
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 30 }) }) },
);

export const story: fc.Arbitrary<Story> = fc.record({
  seed: fc.nat({ max: 0x7fff_ffff }),
  oldHalfOrder: fc.constantFrom('ordered' as const, 'unordered' as const),
  rollbackOfReplaced: fc.constantFrom('update-then-delete' as const, 'delete-only' as const),
  steps: fc.array(step, { minLength: 1, maxLength: 12, size: 'max' }),
});
