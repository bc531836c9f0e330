import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * The arrows of the house: bin → lib → contract ← lambda; local, test and bench may use all of them.
 *
 * A file has one list of what it may not import, as a later list takes the place of an earlier one.
 */
const mayNotImport = (files, ...patterns) => ({ files, rules: { 'no-restricted-imports': ['error', { patterns }] } });
const FOR_PEOPLE = { regex: '(^|/)(local|test|bench|bin)(/|$)', message: 'it is not published' };
const THE_FUNCTION = { regex: '(^|/)lambda(/|$)', message: 'lib is for synthesis, lambda for the function' };
const CDK = { regex: '^(aws-cdk-lib|constructs)(/|$)', message: 'it is never in the function' };
const LIB = {
  regex: '/lib(?!/(contract|checks)$)(/|$)',
  message: 'of lib, the function sees contract.ts and checks.ts only',
};
const CLIENTS = { regex: '^@(aws-sdk|smithy)/', message: 'lambda/aws/sdk.ts is the only place that imports a client' };
const CODES = {
  regex: '^@?otplib(/|$)',
  message: 'lambda/seed.ts and lambda/totp.ts are the only places that know it',
};
const OFTEN_USED = {
  regex: '^aws-cdk-lib$',
  importNames: ['CfnResource', 'Lazy', 'RemovalPolicy', 'Stack', 'Token'],
  message: 'lib/private/cdk.ts looks it up once',
};
const DEVELOPMENT = {
  regex: '^(?!node:|\\.|aws-cdk-lib(/|$)|constructs(/|$)|@(aws-sdk|smithy|otplib)/|otplib$)',
  message: 'what is published stands on the CDK, and the function on the SDK and otplib',
};

export default tseslint.config(
  {
    ignores: ['dist/', 'cdk.out/', 'test/*.snapshot/', 'coverage/', '.stryker-tmp/', 'lib/**/*.js', 'lib/**/*.d.ts'],
  },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-console': 'error',
      curly: 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
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
  mayNotImport(['bin/**/*.ts'], THE_FUNCTION, { regex: '(^|/)(local|test|bench)(/|$)', message: 'bin is an app' }),
  mayNotImport(['lib/**/*.ts'], FOR_PEOPLE, THE_FUNCTION, CLIENTS, CODES, DEVELOPMENT, OFTEN_USED),
  mayNotImport(['lib/private/cdk.ts'], FOR_PEOPLE, THE_FUNCTION, CLIENTS, CODES, DEVELOPMENT),
  mayNotImport(['lib/contract.ts'], { group: ['*'], message: 'contract.ts imports nothing' }),
  mayNotImport(['lambda/**/*.ts'], FOR_PEOPLE, CDK, LIB, CLIENTS, CODES, DEVELOPMENT),
  mayNotImport(['lambda/aws/sdk.ts'], FOR_PEOPLE, CDK, LIB, CODES, DEVELOPMENT),
  mayNotImport(['lambda/seed.ts', 'lambda/totp.ts'], FOR_PEOPLE, CDK, LIB, CLIENTS, DEVELOPMENT),
);
