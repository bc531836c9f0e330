import { CALM, FAULTS } from './faults';
import { runHistories } from './run';
import type { StackDeclaration } from './stack-declaration';
import { synthesize, templateOf } from './synthesis';

/** The histories take 15 s of one core, which can be much longer on a busy machine. */
const TIMEOUT_MS = 300_000;

/** A sample with every kind of fault. `npm run chaos` runs any number. */
const histories = runHistories({ histories: 130, seed: 24 });

test(
  'no history breaks an invariant',
  async () => {
    expect((await histories).found).toBeUndefined();
  },
  TIMEOUT_MS,
);

test(
  'every kind of fault occurs',
  async () => {
    const { faults } = await histories;
    expect(FAULTS.filter((kind) => faults[kind] === 0)).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  'the same seed runs the same histories',
  async () => {
    const few = () => runHistories({ histories: 10, seed: 24 });
    expect(await few()).toEqual(await few());
  },
  TIMEOUT_MS,
);

test(
  'the synthesized policies allow exactly the actions that the function calls',
  async () => {
    const enrollment = { id: 'Mfa', user: 'ivy', device: 'd1', spelling: 'literal', secret: 'plain' } as const;
    const { template } = synthesize(
      'North',
      {
        enrollments: [{ ...enrollment, adopt: false, retain: false, provider: 'own' }],
        devices: [
          {
            id: 'Device',
            generation: 1,
            secret: 'default',
            tags: 'none',
            user: 'ivy',
            retain: 'nothing',
            provider: 'own',
          },
        ],
        names: {},
      },
      CALM.seed,
    );
    const resources = Object.values(template.Resources as Record<string, { Type: string; Properties: object }>);
    const statements = resources
      .filter(({ Type }) => Type === 'AWS::IAM::Policy')
      .flatMap(({ Properties }) => (Properties as Policy).PolicyDocument.Statement);
    const allowed = statements.flatMap(({ Action }) => Action).filter((action) => !action.startsWith('logs:'));
    expect([...new Set(allowed)].sort()).toEqual((await histories).actions);
    expect(statements.map(({ Resource }) => Resource)).not.toContain('*');
  },
  TIMEOUT_MS,
);

test('a template merged from its parts equals the template synthesized as a whole', () => {
  const common = { secret: 'json', adopt: true, retain: false } as const;
  const firstGeneration = { generation: 1 } as const;
  const declaration: StackDeclaration = {
    enrollments: [
      { ...common, id: 'A', user: 'Olga', device: 'd1', spelling: 'literal', provider: 'own' },
      { ...common, id: 'ZB', team: 'Team', user: 'Otto', device: 'd2', spelling: 'pseudo', provider: 'second' },
      { ...common, id: 'C', user: 'ian', device: 'd1', spelling: 'parameter', provider: 'scoped' },
    ],
    devices: [
      {
        ...firstGeneration,
        id: 'K',
        name: 'm1',
        user: 'Olga',
        secret: 'default',
        tags: 'two',
        retain: 'both',
        provider: 'own',
      },
      {
        ...firstGeneration,
        id: 'ZL',
        team: 'Team',
        name: 'm3',
        secret: 'empty',
        tags: 'one',
        retain: 'nothing',
        provider: 'second',
      },
      {
        ...firstGeneration,
        id: 'M',
        team: 'Team',
        user: 'Otto',
        secret: 'declared',
        tags: 'none',
        retain: 'the device',
        provider: 'second',
      },
      {
        ...firstGeneration,
        id: 'N',
        generation: 2,
        user: 'ivy',
        secret: 'default',
        tags: 'none',
        retain: 'nothing',
        provider: 'own',
      },
    ],
    names: { Olga: 'olga' },
  };
  expect(synthesize('North', declaration, 1).template).toEqual(templateOf('North', declaration));
});

interface Policy {
  readonly PolicyDocument: {
    readonly Statement: readonly { readonly Action: string | string[]; readonly Resource: unknown }[];
  };
}
