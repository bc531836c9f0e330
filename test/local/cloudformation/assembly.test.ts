import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnOutput, NestedStack, Stack, Stage } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { deploy, readAssembly } from '../../../local/cloudformation';
import { World } from './world';

describe('a cloud assembly', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'assembly-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const outdir = () => join(directory, 'cdk.out');
  const appWith = (addStacks: (app: App) => void): string => {
    const app = new App({ outdir: outdir() });
    addStacks(app);
    return app.synth().directory;
  };
  const deployTo = (world: World, stackName: string) =>
    world.clock.run(deploy({ cloudFormation: world.cloudFormation, assets: world.assets }, outdir(), stackName));

  test('can be deployed as synthesized by the CDK, with assets and nested stacks', async () => {
    const code = join(directory, 'code');
    mkdirSync(code);
    writeFileSync(join(code, 'index.js'), 'exports.handler = async () => {};');
    appWith((app) => {
      const stack = new Stack(app, 'Real');
      new lambda.Function(stack, 'Function', {
        runtime: lambda.Runtime.NODEJS_22_X,
        handler: 'index.handler',
        code: lambda.Code.fromAsset(code),
        role: new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') }),
      });
      const nested = new NestedStack(stack, 'Nested');
      const user = new iam.User(nested, 'User', { userName: 'nested-user' });
      new CfnOutput(stack, 'User', { value: user.userName });
    });
    const world = new World();
    const deployed = await deployTo(world, 'Real');
    expect(deployed.status).toBe('CREATE_COMPLETE');
    expect(Object.values(deployed.outputs)).toEqual(['nested-user']);
  });

  test('includes the stacks of its stages', () => {
    appWith((app) => {
      const stage = new Stage(app, 'Prod');
      new ssm.StringParameter(new Stack(stage, 'Main'), 'P', { stringValue: 'v' });
    });
    expect(readAssembly(outdir()).stacks).toMatchObject([{ stackName: 'Prod-Main', displayName: 'Prod/Main' }]);
  });

  test('creates its stack, then updates it, and does nothing if nothing changed', async () => {
    const world = new World();
    const write = (value: string) =>
      appWith((app) => void new ssm.StringParameter(new Stack(app, 'S'), 'P', { stringValue: value }));
    const statuses = [];
    for (const value of ['one', 'two', 'two']) {
      write(value);
      statuses.push((await deployTo(world, 'S')).status);
      world.story();
      rmSync(outdir(), { recursive: true });
    }
    expect(statuses).toEqual(['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_COMPLETE']);
  });

  test('creates its stack again after a creation that was rolled back', async () => {
    const world = new World();
    appWith((app) => void new iam.User(new Stack(app, 'S'), 'U', { userName: 'taken' }));
    world.iam.call('CreateUser', { UserName: 'taken' });
    expect((await deployTo(world, 'S')).status).toBe('ROLLBACK_COMPLETE');
    world.iam.call('DeleteUser', { UserName: 'taken' });
    expect((await deployTo(world, 'S')).status).toBe('CREATE_COMPLETE');
  });

  test('lists its stacks in the error for an unknown stack', async () => {
    appWith((app) => void new ssm.StringParameter(new Stack(app, 'S'), 'P', { stringValue: 'v' }));
    await expect(deployTo(new World(), 'T')).rejects.toThrow(/does not contain stack 'T', only: S$/);
  });

  test('that does not exist is an error that names the missing file', () => {
    expect(() => readAssembly(directory)).toThrow(/manifest\.json does not exist/);
  });
});
