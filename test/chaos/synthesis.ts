import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Aws, CfnParameter, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { CfnParameter as CfnSsmParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { MfaEnrollment, MfaEnrollmentProvider, VirtualMfaDevice } from '../../lib';
import { DEVICE_RESOURCE_TYPE, ENROLLMENT_RESOURCE_TYPE } from '../../lib/contract';
import { type Enrollment, IMPORTED, OWNED, type Provider, type StackName, type User } from './declaration';
import { hasGenerations, type Name, type StackDevice, TAGS, type VAULTS } from './made-devices';
import type { StackDeclaration } from './stack-declaration';
import { resourcesOf } from './template';

export const ACCOUNT = '123456789012';
export const REGION = 'eu-west-1';

/** The path of a user. One of the imported users has one. */
export const pathOf = (user: User) => (user === 'ian' ? '/staff/' : '/');
/** The path of a device that a stack creates. One of the names has one. */
export const pathOfDevice = (name: Name) => (name === 'm3' ? '/keys/' : '/');
export const serialNumberOf = (device: string) => `arn:aws:iam::${ACCOUNT}:mfa/${device}`;

/** A template as CloudFormation receives it, and the values of its parameters. */
export interface Synthesized {
  readonly template: Readonly<Record<string, unknown>>;
  readonly parameters: Readonly<Record<string, string>>;
}

const templates = new Map<string, Synthesized['template']>();

/** Synthesizes a declaration with the real constructs and the real aws-cdk-lib. */
export function synthesize(stackName: StackName, declaration: StackDeclaration, blocker: number): Synthesized {
  const byParameter = declaration.enrollments.find(({ spelling }) => spelling === 'parameter');
  return {
    template: rechecked(mergedTemplateOf(stackName, declaration), declaration.recheck),
    parameters: {
      Blocker: String(blocker),
      ...(byParameter && { Device: serialNumberOf(byParameter.device), DeviceSecret: secretNameOf(byParameter) }),
    },
  };
}

/** The property is added here, so that templates can be cached without it. */
function rechecked(template: Synthesized['template'], recheck: number | undefined): Synthesized['template'] {
  const resources = resourcesOf(template).map(([logicalId, resource]) => [
    logicalId,
    resource.Type === ENROLLMENT_RESOURCE_TYPE || resource.Type === DEVICE_RESOURCE_TYPE
      ? { ...resource, Properties: { ...resource.Properties, Recheck: recheck } }
      : resource,
  ]);
  return recheck === undefined ? template : { ...template, Resources: Object.fromEntries(resources) as unknown };
}

/**
 * Merges the template from parts. What an enrollment adds doesn't depend on the others, so each is synthesized alone
 * and cached: thousands of histories need few syntheses. A test compares the result with a synthesis of the whole.
 */
function mergedTemplateOf(
  stackName: StackName,
  { enrollments, devices, names }: StackDeclaration,
): Synthesized['template'] {
  const parts = [
    ...enrollments.map((enrollment) => templateOfOne(stackName, enrollment, pick(names, enrollment.user))),
    ...devices.map((device) => templateOfDevice(stackName, device, pick(names, device.user))),
    synthesizedOnce(stackName, { enrollments: [], devices: [], names }),
  ];
  const merged = (section: string) => Object.assign({}, ...parts.map((part) => part[section])) as unknown;
  return { ...parts[0], Resources: merged('Resources'), Parameters: merged('Parameters') };
}

/** The path of an enrollment's construct appears only in metadata. */
function templateOfOne(stackName: StackName, enrollment: Enrollment, names: StackDeclaration['names']) {
  const { id, team, ...others } = enrollment;
  const template = synthesizedOnce(stackName, { enrollments: [{ ...others, id: 'Mfa' }], devices: [], names });
  return atPath(template, `${stackName}/Mfa`, `${stackName}/${pathIn({ id, team })}`);
}

/** A default name is derived from the construct's path, so only devices with an explicit name can share a template. */
function templateOfDevice(stackName: StackName, device: StackDevice, names: StackDeclaration['names']) {
  if (device.name === undefined) {
    return synthesizedOnce(stackName, { enrollments: [], devices: [device], names });
  }
  const { id, team, ...others } = device;
  const template = synthesizedOnce(stackName, { enrollments: [], devices: [{ ...others, id: 'Named' }], names });
  return atPath(template, `${stackName}/Named`, `${stackName}/${pathIn({ id, team })}`);
}

function pathIn({ id, team }: Pick<StackDevice, 'id' | 'team'>): string {
  return team === undefined ? id : `${team}/${id}`;
}

function atPath(template: Synthesized['template'], path: string, otherPath: string): Synthesized['template'] {
  return JSON.parse(JSON.stringify(template).replaceAll(`"${path}`, `"${otherPath}`)) as Synthesized['template'];
}

function pick(names: StackDeclaration['names'], user: User | undefined): StackDeclaration['names'] {
  return user === undefined || names[user] === undefined ? {} : { [user]: names[user] };
}

function synthesizedOnce(stackName: StackName, part: StackDeclaration): Synthesized['template'] {
  // The device of a parameter is in its value, not in the template.
  const enrollments = part.enrollments.map((enrollment) =>
    enrollment.spelling === 'parameter' ? { ...enrollment, device: 'd1' as const } : enrollment,
  );
  const key = JSON.stringify([stackName, enrollments, part.devices, part.names]);
  const template = templates.get(key) ?? templateOf(stackName, { ...part, enrollments });
  templates.set(key, template);
  return template;
}

/** Synthesizes the whole declaration at once. */
export function templateOf(stackName: StackName, declaration: StackDeclaration): Synthesized['template'] {
  const outdir = mkdtempSync(join(tmpdir(), 'chaos-'));
  try {
    const app = new App({
      outdir,
      analyticsReporting: false,
      treeMetadata: false,
      context: { 'aws:cdk:disable-asset-staging': true, 'aws:cdk:enable-path-metadata': true },
    });
    declare(new Stack(app, stackName), declaration);
    return app.synth().getStackByName(stackName).template as Synthesized['template'];
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** Covers the users, devices and secrets of all histories. */
const EVERYTHING = { userPath: '/', devicePath: '/', seedSecretPrefix: 'mfa/' };

function declare(stack: Stack, { enrollments, devices, names }: StackDeclaration): void {
  // Another resource of the stack, which can fail at any time.
  const blocker = new CfnParameter(stack, 'Blocker');
  new CfnSsmParameter(stack, 'Other', { type: 'String', value: blocker.valueAsString });

  const users = new Map<User, iam.IUser>([
    ...OWNED.map((user) => [user, new iam.User(stack, user, { userName: names[user] })] as const),
    ...IMPORTED.map((user) => [user, imported(stack, user)] as const),
  ]);
  const scopes = new Map<string, Construct>();
  const scopeOf = (team?: string) => {
    if (team === undefined) {
      return stack;
    }
    const scope = scopes.get(team) ?? new Construct(stack, team);
    scopes.set(team, scope);
    return scope;
  };
  const providers = new Map<Provider, MfaEnrollmentProvider>();
  const providerOf = (provider: Provider) => {
    if (provider === 'own') {
      return undefined;
    }
    const created =
      providers.get(provider) ??
      new MfaEnrollmentProvider(stack, provider, { pathScope: provider === 'scoped' ? EVERYTHING : undefined });
    providers.set(provider, created);
    return created;
  };

  for (const { id, team, user, device, spelling, adopt, retain, provider, ...enrollment } of enrollments) {
    const scope = scopeOf(team);
    new MfaEnrollment(scope, id, {
      user: users.get(user)!,
      device: VirtualMfaDevice.fromVirtualMfaDeviceAttributes(scope, `${id}Device`, {
        serialNumber: {
          literal: () => serialNumberOf(device),
          pseudo: () => `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:mfa/${device}`,
          parameter: () => new CfnParameter(stack, 'Device').valueAsString,
        }[spelling](),
        seedSecret: secretOf(scope, id, { ...enrollment, device, spelling }),
        seedSecretField: enrollment.secret === 'json' ? 'seed' : undefined,
      }),
      adoptExisting: adopt,
      removalPolicy: policyOf(retain),
      provider: providerOf(provider),
    });
  }
  for (const { id, team, ...device } of devices) {
    const provider = providerOf(device.provider);
    const virtualDevice = new VirtualMfaDevice(scopeOf(team), id, {
      virtualMfaDeviceName: device.name,
      path: device.name && pathOfDevice(device.name),
      generation: hasGenerations(device) ? device.generation : undefined,
      seedSecret: seedSecretOf(scopeOf(team), id, device),
      removalPolicy: policyOf(device.retain !== 'nothing'),
      provider,
    });
    Object.entries(TAGS[device.tags]).forEach(([key, value]) => Tags.of(virtualDevice).add(key, value));
    if (device.user !== undefined) {
      new MfaEnrollment(scopeOf(team), `${id}Mfa`, {
        user: users.get(device.user)!,
        device: virtualDevice,
        removalPolicy: policyOf(device.retain === 'both'),
        provider,
      });
    }
  }
}

function policyOf(isRetained: boolean): RemovalPolicy {
  return isRetained ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
}

function seedSecretOf(
  scope: Construct,
  id: string,
  { secret, retain }: Pick<StackDevice, 'secret' | 'retain'>,
): ISecret | undefined {
  switch (secret) {
    case 'default':
      return undefined;
    case 'declared':
      return new Secret(Stack.of(scope), 'Declared', {
        secretName: `mfa/declared/${Stack.of(scope).stackName}`,
        removalPolicy: policyOf(retain !== 'nothing'),
      });
    default:
      return Secret.fromSecretNameV2(scope, `${id}SeedSecret`, vaultNameOf(secret));
  }
}

function imported(stack: Stack, user: User): iam.IUser {
  return iam.User.fromUserArn(stack, user, `arn:aws:iam::${ACCOUNT}:user${pathOf(user)}${user}`);
}

type SecretOf = Pick<Enrollment, 'device' | 'secret' | 'spelling'>;

function secretOf(scope: Construct, id: string, enrollment: SecretOf): ISecret {
  const name =
    enrollment.spelling === 'parameter'
      ? new CfnParameter(Stack.of(scope), 'DeviceSecret').valueAsString
      : secretNameOf(enrollment);
  return Secret.fromSecretNameV2(scope, `${id}Seed`, name);
}

/** The name of an existing secret that receives the seed of a device that a stack creates. */
export function vaultNameOf(vault: (typeof VAULTS)[number]): string {
  return `mfa/seeds/${vault}`;
}

export function secretNameOf({ device, secret }: Pick<Enrollment, 'device' | 'secret'>): string {
  return `mfa/${['wrong', 'junk', 'missing'].includes(secret) ? secret : `${device}/${secret}`}`;
}
