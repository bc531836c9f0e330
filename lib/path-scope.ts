import type * as kms from 'aws-cdk-lib/aws-kms';

/**
 * What the function of a provider can access: users, devices and secrets by their paths and names, no matter which
 * stack declares them.
 */
export interface MfaEnrollmentPathScope {
  /**
   * The IAM path of the users. It begins and ends with `/`, such as `/staff/`. `/` covers all users of the account.
   */
  readonly userPath: string;

  /**
   * The IAM path of the devices. It begins and ends with `/`, such as `/staff/`.
   */
  readonly devicePath: string;

  /**
   * The beginning of the names of the seed secrets, in the account and region of the provider.
   *
   * A `VirtualMfaDevice` names its secret `<seedSecretPrefix><path below devicePath><device name>`.
   *
   * @default - `mfa` and the device path, such as `mfa/staff/`
   */
  readonly seedSecretPrefix?: string;

  /**
   * The customer-managed keys that encrypt seed secrets.
   *
   * @default - none: the key that AWS manages needs no grant
   */
  readonly encryptionKeys?: kms.IKey[];
}
