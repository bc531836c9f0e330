import type { StackDeclaration } from './declaration';
import { CALM, FAULTS } from './faults';
import { runHistories } from './run';
import { synthesize, templateOf } from './synthesis';

/** They take a quarter of a minute of a core, which a busy machine may be long in giving. */
const PATIENCE_MS = 300_000;

/** A few hundred histories; `npm run chaos` runs as many as one likes. */
const histories = runHistories({ histories: 250, seed: 42 });

test(
  'no history breaks an invariant',
  async () => {
    expect((await histories).found).toBeUndefined();
  },
  PATIENCE_MS,
);

test(
  'every kind of fault occurs',
  async () => {
    const { faults } = await histories;
    expect(FAULTS.filter((kind) => faults[kind] === 0)).toEqual([]);
  },
  PATIENCE_MS,
);

test(
  'the same seed runs the same histories',
  async () => {
    const few = () => runHistories({ histories: 10, seed: 7 });
    expect(await few()).toEqual(await few());
  },
  PATIENCE_MS,
);

test(
  'what the synthesized policies allow is what the function really calls, and nothing else',
  async () => {
    const enrollment = { id: 'Mfa', user: 'ivy', device: 'd1', spelling: 'literal', secret: 'plain' } as const;
    const { template } = synthesize(
      'North',
      {
        enrollments: [{ ...enrollment, adopt: false, retain: false, provider: 'own' }],
        devices: [
          {
            id: 'Made',
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
  PATIENCE_MS,
);

test('a template put together from its parts is the one that is synthesized at once', () => {
  const common = { secret: 'json', adopt: true, retain: false } as const;
  const made = { generation: 1 } as const;
  const declaration: StackDeclaration = {
    enrollments: [
      { ...common, id: 'A', user: 'Olga', device: 'd1', spelling: 'literal', provider: 'own' },
      { ...common, id: 'ZB', team: 'Team', user: 'Otto', device: 'd2', spelling: 'pseudo', provider: 'second' },
      { ...common, id: 'C', user: 'ian', device: 'd1', spelling: 'parameter', provider: 'scoped' },
    ],
    devices: [
      { ...made, id: 'K', name: 'm1', user: 'Olga', secret: 'default', tags: 'two', retain: 'both', provider: 'own' },
      {
        ...made,
        id: 'ZL',
        team: 'Team',
        name: 'm3',
        secret: 'empty',
        tags: 'one',
        retain: 'nothing',
        provider: 'second',
      },
      {
        ...made,
        id: 'M',
        team: 'Team',
        user: 'Otto',
        secret: 'declared',
        tags: 'none',
        retain: 'the device',
        provider: 'second',
      },
      {
        ...made,
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
