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
  const appWith = (fill: (app: App) => void): string => {
    const app = new App({ outdir: outdir() });
    fill(app);
    return app.synth().directory;
  };
  const within = (world: World, stackName: string) =>
    world.clock.run(deploy({ cloudFormation: world.cloudFormation, assets: world.assets }, outdir(), stackName));

  test('is deployed as CDK synthesizes it: assets, nested stacks and all', async () => {
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
    const deployed = await within(world, 'Real');
    expect(deployed.status).toBe('CREATE_COMPLETE');
    expect(Object.values(deployed.outputs)).toEqual(['nested-user']);
  });

  test('finds the stacks of its stages', () => {
    appWith((app) => {
      const stage = new Stage(app, 'Prod');
      new ssm.StringParameter(new Stack(stage, 'Main'), 'P', { stringValue: 'v' });
    });
    expect(readAssembly(outdir()).stacks).toMatchObject([{ stackName: 'Prod-Main', displayName: 'Prod/Main' }]);
  });

  test('is created, then updated, and left alone where nothing is different', async () => {
    const world = new World();
    const write = (value: string) =>
      appWith((app) => void new ssm.StringParameter(new Stack(app, 'S'), 'P', { stringValue: value }));
    const statuses = [];
    for (const value of ['one', 'two', 'two']) {
      write(value);
      statuses.push((await within(world, 'S')).status);
      world.story();
      rmSync(outdir(), { recursive: true });
    }
    expect(statuses).toEqual(['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_COMPLETE']);
  });

  test('is created anew where its creation was rolled back before', async () => {
    const world = new World();
    appWith((app) => void new iam.User(new Stack(app, 'S'), 'U', { userName: 'taken' }));
    world.iam.call('CreateUser', { UserName: 'taken' });
    expect((await within(world, 'S')).status).toBe('ROLLBACK_COMPLETE');
    world.iam.call('DeleteUser', { UserName: 'taken' });
    expect((await within(world, 'S')).status).toBe('CREATE_COMPLETE');
  });

  test('names the stacks that it holds when asked for another', async () => {
    appWith((app) => void new ssm.StringParameter(new Stack(app, 'S'), 'P', { stringValue: 'v' }));
    await expect(within(new World(), 'T')).rejects.toThrow(/holds no stack 'T', only: S$/);
  });

  test('that is none is an error that names the file', () => {
    expect(() => readAssembly(directory)).toThrow(/manifest\.json does not exist/);
  });
});
