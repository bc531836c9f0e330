export * from './mfa-enrollment';
export * from './mfa-enrollment-provider';
export * from './virtual-mfa-device';
