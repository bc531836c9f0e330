import { run } from '../../cli/commands';
import { StubEnvironment } from './environment';

async function runWith(...args: string[]) {
  const environment = new StubEnvironment();
  const status = await run(args, '1.2.3', environment);
  return { status, stdout: environment.stdout.text, stderr: environment.stderr.text, environment };
}

test.each([
  [['--help'], 'cdk-mfa-enrollment <command>'],
  [['-h'], 'cdk-mfa-enrollment <command>'],
  [['help'], 'cdk-mfa-enrollment <command>'],
  [['status', '--help'], '--stack NAME'],
  [['code', '--user', 'alice', '--help'], '--valid-for SECONDS'],
  [['qr', '-h'], '--label TEXT'],
])('%j prints help with examples', async (args, expected) => {
  const { status, stdout, stderr } = await runWith(...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain(expected);
  expect(stdout).toMatch(/Examples:\n {2}npx --no cdk-mfa-enrollment /);
});

test.each([[['--help']], [['status', '--help']], [['code', '--help']], [['qr', '--help']]])(
  'the help of %j fits 120 columns',
  async (args) => {
    const { stdout } = await runWith(...args);
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(120);
  },
);

test('--version prints the version', async () => {
  expect(await runWith('--version')).toMatchObject({ status: 0, stdout: '1.2.3\n' });
});

test('without a command, prints help as an error', async () => {
  const { status, stdout, stderr } = await runWith();
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain('<command>');
});

test.each([
  [['cdoe'], "unknown command 'cdoe'. Did you mean code?"],
  [['stat'], "unknown command 'stat'. Did you mean status?"],
  [['deploy'], "unknown command 'deploy'"],
  [['--jsno'], "unknown option '--jsno'"],
  [['code', '--usr', 'alice'], "unknown option '--usr'. Did you mean --user?"],
  [['code', '--validfor=3'], "unknown option '--validfor'. Did you mean --valid-for?"],
  [['code', '-u', 'alice'], "unknown option '-u'. Did you mean --user?"],
  [['code', '--__proto__', 'x'], "unknown option '--__proto__'"],
  [['code', 'alice'], "unexpected argument 'alice'"],
  [['code', '--user'], '--user needs a value: --user NAME'],
  [['code', '--user', '--secret', 'x'], '--user needs a value: --user NAME'],
  [['code', '--user='], '--user needs a value: --user NAME'],
  [['code', '--user', 'a', '--user', 'b'], '--user was given twice'],
  [['status', '--json=yes'], '--json takes no value'],
  [['code'], 'expected either --user NAME or --secret NAME|ARN'],
  [['code', '--user', 'a', '--secret', 'b'], 'expected either --user NAME or --secret NAME|ARN'],
  [['code', '--user', 'a', '--field', 'b'], '--field belongs to --secret'],
  [['code', '--user', 'a b'], "invalid IAM user name 'a b'"],
  [['code', '--user', 'a', '--valid-for', '30'], "invalid --valid-for '30': expected a number of seconds from 0 to 29"],
  [['code', '--user', 'a', '--valid-for', '1.5'], "invalid --valid-for '1.5'"],
  [['code', '--user', 'a', '--region', 'a/b'], "invalid --region 'a/b': expected a region such as eu-west-1"],
  [['qr', '--secret', 'a'], '--secret needs a label for the phone: --label TEXT'],
])('%j is refused with what is wrong, and asks AWS nothing', async (args, expected) => {
  const { status, stdout, stderr, environment } = await runWith(...args);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain(`: ${expected}`);
  expect(stderr).toMatch(/\nRun 'cdk-mfa-enrollment (\w+ )?--help' for help\.\n$/);
  expect(environment.connections).toEqual([]);
});

test.each([
  [['JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP']],
  [['code', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP']],
  [['code', '--JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP']],
  [['code', '--user', 'alice', '--valid-for', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP']],
])('%j: a seed that is typed by mistake is not repeated', async (args) => {
  const { status, stderr } = await runWith(...args);
  expect(status).toBe(1);
  expect(stderr).not.toContain('JBSWY3DP');
});

test.each([
  [['code', '--user', 'dev2-team-prod-user']],
  [['code', '--secret', 'build2deploy3runner']],
  [['status', '--stack', 'dev2-team-prod-user']],
])('%j: an ordinary name is not taken for a seed', async (args) => {
  const { environment } = await runWith(...args);
  expect(environment.connections).toHaveLength(1);
});

test.each([
  [['code', '--secret', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'], '--secret'],
  [['code', '--secret', 'JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP'], '--secret'],
  [['code', '--user', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'], 'IAM user name'],
  [['qr', '--user', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'], 'IAM user name'],
  [['status', '--stack', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'], '--stack'],
  [['status', '--stack', 'Staff', '--stack', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'], '--stack'],
  [['code', '--secret', 'mfa/JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'], '--secret'],
  [['code', '--secret', 'secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'], '--secret'],
  [['code', '--secret', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP===='], '--secret'],
  [['status', '--stack', 'x/JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'], '--stack'],
  [['code', '--secret', 'otpauth://totp/alice?secret=JBSWY3DPEHPK3PXP'], '--secret'],
  [['code', '--secret', '{"seed":"JBSWY3DPEHPK3PXP"}'], '--secret'],
  [
    ['code', '--secret', `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${'JBSWY3DPEHPK3PXP'.repeat(2)}`],
    '--secret',
  ],
])('%j: a seed that is typed in place of a name is refused before anything is sent', async (args, name) => {
  const { status, stderr, environment } = await runWith(...args);
  expect(status).toBe(1);
  expect(stderr).toContain(`: invalid ${name} (not shown: it may be a seed): expected `);
  expect(environment.connections).toEqual([]);
});
