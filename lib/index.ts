export * from './mfa-enrollment';
export * from './mfa-enrollment-provider';
