export * from './iam';
export { TRUST_POLICY } from './trust-policy';
