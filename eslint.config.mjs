import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/** The arrows of the house: bin → lib → contract ← lambda; local, test and bench may use all of them. */
const mayNotImport = (room, patterns) => ({
  files: [`${room}/**/*.ts`],
  rules: { 'no-restricted-imports': ['error', { patterns }] },
});
const forPeople = { group: ['**/local/**', '**/test/**', '**/bench/**', '**/bin/**'], message: 'not published' };

export default tseslint.config(
  {
    ignores: ['dist/', 'cdk.out/', 'coverage/', '.stryker-tmp/', 'lib/**/*.js', 'lib/**/*.d.ts'],
  },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-console': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['**/*.js', '**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { module: 'writable', require: 'readonly', process: 'readonly' },
    },
  },
  mayNotImport('lib', [
    forPeople,
    { group: ['**/lambda/**', '@aws-sdk/*', '@smithy/*', '@otplib/*'], message: 'lib is synthesis only' },
  ]),
  {
    files: ['lib/contract.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ group: ['*'], message: 'contract.ts imports nothing' }] }],
    },
  },
  mayNotImport('lambda', [
    forPeople,
    { group: ['aws-cdk-lib', 'aws-cdk-lib/*', 'constructs'], message: 'never in the function' },
    { regex: '/lib/(?!contract$)', message: 'of lib, the function sees contract.ts only' },
    { group: ['@aws-sdk/*', '@smithy/*'], message: 'aws.ts is the only place that imports a client' },
  ]),
  {
    files: ['lambda/aws.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [forPeople, { group: ['aws-cdk-lib', 'aws-cdk-lib/*'] }] }],
    },
  },
);
