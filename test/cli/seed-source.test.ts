import { run } from '../../cli/commands';
import { REGION, secretArnOf, serialNumberOf, StubEnvironment } from './environment';

function setUp() {
  const environment = new StubEnvironment();
  const { aws } = environment;
  const code = async () => {
    const status = await run(['code', '--user', 'alice'], '1.2.3', environment);
    return { status, error: environment.stderr.text };
  };
  return { environment, aws, code };
}

const OTHERS = [secretArnOf('other'), secretArnOf('another')];

test("looks among the secrets of the device's stack first", async () => {
  const { aws, code } = setUp();
  aws.addDevice('alice');
  aws.pages.set(`${REGION} Staff`, [OTHERS, [secretArnOf('alice')], ['never asked for']]);
  expect(await code()).toEqual({ status: 0, error: '' });
  expect(aws.lists).toEqual([`${REGION} Staff`, `${REGION} Staff`]);
});

test('then among all secrets of the region of the stack', async () => {
  const { aws, code } = setUp();
  aws.addDevice('alice', 'eu-central-1 Staff', secretArnOf('alice', 'eu-central-1'));
  aws.pages.set('eu-central-1 Staff', [OTHERS]);
  aws.pages.set('eu-central-1', [OTHERS, [secretArnOf('alice', 'eu-central-1')]]);
  expect(await code()).toEqual({ status: 0, error: '' });
  expect(aws.lists).toEqual(['eu-central-1 Staff', 'eu-central-1', 'eu-central-1']);
  expect(aws.reads).toMatchObject([{ region: 'eu-central-1' }]);
});

test("then among all secrets of the environment's region", async () => {
  const { aws, code } = setUp();
  aws.environmentRegion = 'us-east-1';
  aws.addDevice('alice', `${REGION} Staff`, secretArnOf('alice', 'us-east-1'));
  aws.pages.set('us-east-1', [[secretArnOf('alice', 'us-east-1')]]);
  expect(await code()).toEqual({ status: 0, error: '' });
});

test('says where it looked if the secret is nowhere', async () => {
  const { aws, code } = setUp();
  aws.environmentRegion = undefined;
  aws.addDevice('alice');
  const { status, error } = await code();
  expect(status).toBe(1);
  expect(error).toContain(`could not find the secret of device ${serialNumberOf('alice')} in ${REGION}.`);
});

test('never uses a region that a claim cannot name', async () => {
  const { aws, code } = setUp();
  aws.environmentRegion = undefined;
  aws.addDevice('alice', 'evil.example/ Staff');
  expect((await code()).error).toContain('in any region');
});

test('does not follow a tag that another device was created with', async () => {
  const { aws, code } = setUp();
  aws.addDevice('bob');
  aws.devices = [serialNumberOf('alice')];
  aws.tags.set(serialNumberOf('alice'), aws.tags.get(serialNumberOf('bob'))!);
  expect((await code()).error).toContain('no enabled device that cdk-mfa-enrollment created');
});

test("uses the library's device if the user has others, too", async () => {
  const { aws, code } = setUp();
  aws.addDevice('alice');
  aws.devices.push(serialNumberOf('phone'), 'GAHT12345678', 'arn:aws:iam::123456789012:u2f/user/alice/key');
  aws.pages.set(`${REGION} Staff`, [[secretArnOf('alice')]]);
  expect(await code()).toEqual({ status: 0, error: '' });
});

test('a hardware token is no virtual device', async () => {
  const { aws, code } = setUp();
  aws.devices = ['GAHT12345678'];
  expect((await code()).error).toContain('no enabled virtual MFA device. Run ');
});

test('says how to go on if the seed was overwritten and is gone', async () => {
  const { aws, code } = setUp();
  aws.addDevice('alice');
  aws.values.clear();
  aws.pages.set(`${REGION} Staff`, [[secretArnOf('alice')]]);
  const { status, error } = await code();
  expect(status).toBe(1);
  expect(error).toContain("Raise the device's 'generation'");
});
