export * from './mfa-enrollment';
export * from './mfa-enrollment-provider';
export * from './path-scope';
export * from './virtual-mfa-device';
