import { REGION_NAME } from './aws';

/*
 * Commands of the AWS CLI for people to copy into a shell. Tags, versions of secrets and names come from AWS, where
 * others can write them. So a command holds only values that no shell and no option parser reads as anything else.
 */

const VALUES = {
  'user-name': /^(?![-=])[\w+=,.@-]{1,64}$/,
  /** Virtual devices and security keys have ARNs, hardware tokens don't. */
  'serial-number': /^(?![-=])[\w+=/:,.@-]{9,256}$/,
  'tag-keys':
    /^cdk-mfa-enrollment:(?:enrollment|device):[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\/[A-Za-z0-9]+$/,
  region: REGION_NAME,
  'secret-id': /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+$/,
  'version-stage': /^AWSCURRENT$/,
  'move-to-version-id': /^(?!-)[A-Za-z0-9-]{32,64}$/,
  'remove-from-version-id': /^(?!-)[A-Za-z0-9-]{32,64}$/,
} as const;

type Values = Partial<Record<keyof typeof VALUES, string>>;

/** @returns `undefined` if a value must not be part of a command */
function aws(operation: string, values: Values): string | undefined {
  const options = Object.entries(values) as [keyof typeof VALUES, string | undefined][];
  const given = options.filter((option): option is [keyof typeof VALUES, string] => option[1] !== undefined);
  return given.every(([option, value]) => VALUES[option].test(value))
    ? [`aws ${operation}`, ...given.map(([option, value]) => `--${option} ${value}`)].join(' ')
    : undefined;
}

/** Commands that run one after the other as long as they succeed. */
export function inTurn(...commands: readonly (string | undefined)[]): string | undefined {
  return commands.includes(undefined) ? undefined : commands.join(' && ');
}

export function deactivateDevice(userName: string, serialNumber: string): string | undefined {
  return aws('iam deactivate-mfa-device', { 'user-name': userName, 'serial-number': serialNumber });
}

export function deleteDevice(serialNumber: string): string | undefined {
  return aws('iam delete-virtual-mfa-device', { 'serial-number': serialNumber });
}

export function untagDevice(serialNumber: string, tagKey: string): string | undefined {
  return aws('iam untag-mfa-device', { 'serial-number': serialNumber, 'tag-keys': tagKey });
}

export function restoreSecret(secretArn: string): string | undefined {
  return aws('secretsmanager restore-secret', secretIn(secretArn));
}

export function listVersions(secretArn: string): string | undefined {
  return aws('secretsmanager list-secret-version-ids --include-deprecated', secretIn(secretArn));
}

/** @param from the version that is current now; `undefined` if the secret has no current version */
export function makeCurrent(secretArn: string, to: string, from: string | undefined): string | undefined {
  return aws('secretsmanager update-secret-version-stage', {
    ...secretIn(secretArn),
    'version-stage': 'AWSCURRENT',
    'move-to-version-id': to,
    'remove-from-version-id': from,
  });
}

function secretIn(arn: string): Values {
  return { region: arn.split(':')[3] ?? '', 'secret-id': arn };
}
