import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { MfaEnrollment, MfaEnrollmentProvider, VirtualMfaDevice } from '../../lib';

export const ACCOUNT = '123456789012';
export const REGION = 'eu-west-1';

export const userNameOf = (index: number) => `user-${index}`;
export const secretNameOf = (index: number) => `mfa/${userNameOf(index)}`;

/** A stack that enrolls existing users and devices with a provider that has a path scope. */
export interface Fleet {
  readonly enrollments: number;
  readonly template: Readonly<Record<string, unknown>>;
}

/** Synthesizes a fleet. */
export function fleetOf(enrollments: number): Fleet {
  const outdir = mkdtempSync(join(tmpdir(), 'fleet-'));
  try {
    const app = new App({
      outdir,
      analyticsReporting: false,
      treeMetadata: false,
      context: { 'aws:cdk:disable-asset-staging': true },
    });
    const stack = new Stack(app, 'Fleet', { env: { account: ACCOUNT, region: REGION } });
    const provider = new MfaEnrollmentProvider(stack, 'Provider', {
      pathScope: { userPath: '/staff/', devicePath: '/' },
    });
    for (let index = 0; index < enrollments; index++) {
      const userName = userNameOf(index);
      const userArn = `arn:aws:iam::${ACCOUNT}:user/staff/${userName}`;
      new MfaEnrollment(stack, `Mfa${index}`, {
        user: iam.User.fromUserArn(stack, `User${index}`, userArn),
        device: VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, `Device${index}`, {
          serialNumber: `arn:aws:iam::${ACCOUNT}:mfa/${userName}`,
          seedSecret: secretsmanager.Secret.fromSecretNameV2(stack, `Seed${index}`, secretNameOf(index)),
        }),
        provider,
      });
    }
    return { enrollments, template: app.synth().getStackByName(stack.stackName).template as Fleet['template'] };
  } finally {
    rmSync(outdir, { recursive: true });
  }
}
