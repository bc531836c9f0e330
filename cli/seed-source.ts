import { REGION_NAME } from '../inspection/aws';
import { secretsByHash, type SeedVersion, seedVersionOf } from '../inspection/seeds';
import { type Tag } from '../lambda/aws/ports';
import { NotASeedError, parseSeed, type SecretText, type Seed } from '../lambda/seed';
import { printable, quoted } from '../lib/checks';
import {
  type ClaimPlace,
  claimPlaceIn,
  DEVICE_CLAIM_PREFIX,
  ENROLLMENT_CLAIM_PREFIX,
  SEED_PREFIX,
} from '../lib/contract';
import { explained } from './aws/explanation';
import { type Aws, AwsFailure } from './aws/ports';
import { Failure } from './failure';

/** Whose seed, or which secret, a command is told to use. */
export type Selection =
  | { readonly user: string }
  | {
      /** Name or ARN. */
      readonly secret: string;
      /** A key of a JSON secret. */
      readonly field?: string;
    };

const NAME_THE_SECRET = 'Name the secret with --secret.';
const SEE_WHY = "Run 'cdk-mfa-enrollment status' to see why.";

/** The seed of a user's device, or of a secret. */
export async function seedFor(selection: Selection, aws: Aws): Promise<Seed> {
  if ('secret' in selection) {
    const { secret, field } = selection;
    const subject = `secret ${quoted(secret)}`;
    return seedIn(await explaining(subject, () => aws.readSecret({ id: secret })), subject, field);
  }
  return seedOfDevice(await deviceOf(selection.user, aws), aws);
}

/** A device that this library created. */
export interface CreatedDevice {
  readonly serialNumber: string;
  /** The version of its secret that holds its seed. */
  readonly version: SeedVersion;
  /** The stacks that claim it, first the one that created it. */
  readonly stacks: readonly ClaimPlace[];
}

/** The one enabled device of a user that this library created. */
async function deviceOf(userName: string, aws: Aws): Promise<CreatedDevice> {
  const user = `user '${userName}'`;
  const enabled = await explaining(user, () => aws.devicesOf(userName));
  const virtual = enabled.filter((serialNumber) => serialNumber.includes(':mfa/'));
  if (virtual.length === 0) {
    throw new Failure(`${user} has no enabled virtual MFA device. ${SEE_WHY}`);
  }
  const devices = await Promise.all(
    virtual.map(async (serialNumber) => {
      const subject = `device ${printable(serialNumber)}`;
      return createdDevice(serialNumber, await explaining(subject, () => aws.tagsOf(serialNumber)));
    }),
  );
  const [device, ...others] = devices.filter((each) => each !== undefined);
  if (device === undefined) {
    const listed = virtual.map(printable).join(', ');
    throw new Failure(
      `${user} has no enabled device that cdk-mfa-enrollment created, so its secret is unknown (enabled: ${listed}). ${NAME_THE_SECRET}`,
    );
  }
  if (others.length > 0) {
    const listed = [device, ...others].map(({ serialNumber }) => printable(serialNumber)).join(', ');
    throw new Failure(`${user} has several enabled devices: ${listed}. ${NAME_THE_SECRET}`);
  }
  return device;
}

/** What a device's tags say of its secret; `undefined` of a device that this library did not create. */
export function createdDevice(serialNumber: string, tags: readonly Tag[]): CreatedDevice | undefined {
  const seed = tags.find(({ key }) => key.startsWith(SEED_PREFIX));
  // The tag of another device would lead to the seed of another device.
  const version = seedVersionOf(seed?.value, serialNumber);
  if (seed === undefined || version === undefined) {
    return undefined;
  }
  const creator = DEVICE_CLAIM_PREFIX + seed.key.slice(SEED_PREFIX.length);
  const rank = ({ key }: Tag) => (key === creator ? 0 : key.startsWith(DEVICE_CLAIM_PREFIX) ? 1 : 2);
  const stacks = tags
    .filter(({ key }) => key.startsWith(DEVICE_CLAIM_PREFIX) || key.startsWith(ENROLLMENT_CLAIM_PREFIX))
    .sort((a, b) => rank(a) - rank(b))
    .map(({ value }) => claimPlaceIn(value))
    .filter(hasRegion)
    .filter((place, index, all) => all.findIndex((other) => isSame(place, other)) === index);
  return { serialNumber, version, stacks };
}

function isSame(a: ClaimPlace, b: ClaimPlace): boolean {
  return a.region === b.region && a.stackName === b.stackName;
}

/** A region becomes part of a host name, so it must look like one. */
function hasRegion({ region }: ClaimPlace): boolean {
  return REGION_NAME.test(region);
}

async function seedOfDevice(device: CreatedDevice, aws: Aws): Promise<Seed> {
  const { region, arn } = await secretOf(device, aws);
  const subject = `secret ${quoted(arn)}`;
  // This version even if the secret was overwritten: only it holds the seed of this device.
  const read = () => aws.readSecret({ id: arn, region, version: device.version.id });
  const text = await explaining(subject, read, (failure) =>
    failure.code === 'ResourceNotFound'
      ? new Failure(
          `${subject} no longer holds the seed of device ${printable(device.serialNumber)}, because it was overwritten. ` +
            "Raise the device's 'generation' and deploy.",
        )
      : explained(failure, subject),
  );
  return seedIn(text, subject);
}

/**
 * The secret whose name the device's tag has the hash of: among those of the stacks that claim the device, then among all
 * secrets of these stacks' regions and of the environment's.
 */
async function secretOf(device: CreatedDevice, aws: Aws): Promise<{ region: string; arn: string }> {
  for (const { region, stackName } of device.stacks) {
    const arn = await findSecret(device, aws, region, stackName);
    if (arn !== undefined) {
      return { region, arn };
    }
  }
  const own = await aws.region();
  const regions = new Set([...device.stacks.map(({ region }) => region), ...(own === undefined ? [] : [own])]);
  for (const region of regions) {
    const arn = await findSecret(device, aws, region);
    if (arn !== undefined) {
      return { region, arn };
    }
  }
  throw new Failure(
    `could not find the secret of device ${printable(device.serialNumber)} in ${[...regions].join(', ') || 'any region'}. ` +
      `AWS may list a secret only 5 minutes after its creation. ${NAME_THE_SECRET}`,
  );
}

async function findSecret(
  { version }: CreatedDevice,
  aws: Aws,
  region: string,
  stackName?: string,
): Promise<string | undefined> {
  const subject = `the secrets in ${region}`;
  const find = async () => {
    for await (const arns of aws.secretArns(region, stackName)) {
      const found = secretsByHash(arns).get(version.secretHash);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  };
  return explaining(
    subject,
    find,
    (failure) => new Failure(`${explained(failure, subject).message} Or name the secret with --secret.`),
  );
}

function seedIn(text: SecretText, subject: string, field?: string): Seed {
  try {
    return parseSeed(text, field);
  } catch (error) {
    if (error instanceof NotASeedError) {
      throw new Failure(
        `the value of ${subject} is not a seed: ${error.message}. ` +
          'Expected Base32 text or an otpauth://totp/ URI; --field names a key of a JSON secret.',
      );
    }
    throw error;
  }
}

/** Makes a call. Its failure is explained to the person who runs the command. */
async function explaining<T>(
  subject: string,
  call: () => Promise<T>,
  explain = (failure: AwsFailure) => explained(failure, subject),
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw error instanceof AwsFailure ? explain(error) : error;
  }
}
