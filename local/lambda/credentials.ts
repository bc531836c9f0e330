import type { Random } from './uuid';

/** The caller behind an access key: an execution environment, as a session of its function's role. */
export interface RoleSession {
  /** `arn:<partition>:sts::<account>:assumed-role/<role>/<session>`. */
  readonly arn: string;
  readonly roleName: string;
}

/** Temporary credentials of a role session. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/**
 * Creates temporary credentials. The access key has 20 characters and begins with `ASIA`, like that of any role
 * session.
 */
export function temporaryCredentials(random: Random): Credentials {
  const letters = random(10).toString('hex').toUpperCase().slice(0, 16);
  return {
    accessKeyId: `ASIA${letters}`,
    secretAccessKey: random(20).toString('hex'),
    sessionToken: random(32).toString('hex'),
  };
}

/**
 * The session of a function's role. Lambda names it after the function.
 *
 * @param roleArn `arn:<partition>:iam::<account>:role/<path><name>`
 */
export function roleSession(roleArn: string, functionName: string): RoleSession {
  const [, partition, , , account, resource = ''] = roleArn.split(':');
  const roleName = resource.slice(resource.lastIndexOf('/') + 1);
  return { arn: `arn:${partition}:sts::${account}:assumed-role/${roleName}/${functionName}`, roleName };
}
