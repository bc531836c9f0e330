import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * Imports run one way: bin → lib → contract and checks ← lambda, inspection, cli, monitor. inspection, cli and monitor
 * also use lambda's pure modules, and cli and monitor use inspection. local, test and bench may import everything, and
 * nothing that is published may import them.
 *
 * Each list is complete, because ESLint applies only the last one that matches a file.
 */
const mayNotImport = (files, ...patterns) => ({ files, rules: { 'no-restricted-imports': ['error', { patterns }] } });
const UNPUBLISHED = {
  regex: '(^|/)(bin|local|test|bench)(/|$)',
  message: 'Published code imports published code only.',
};
const DEVELOPMENT_PACKAGES = {
  regex: '^(?!node:|\\.|aws-cdk-lib(/|$)|constructs(/|$)|@(aws-sdk|smithy)/|otplib$)',
  message: 'lib depends on the CDK only, lambda on the AWS SDK and otplib only.',
};
const LAMBDA = { regex: '(^|/)lambda(/|$)', message: 'lib runs at synthesis, lambda in AWS Lambda.' };
const CDK = { regex: '^(aws-cdk-lib|constructs)(/|$)', message: 'The function is bundled without the CDK.' };
const LIB = {
  regex: '/lib(?!/(contract|checks)$)(/|$)',
  message: 'lambda shares lib/contract.ts and lib/checks.ts with lib, nothing else.',
};
const OBSERVERS = {
  regex: '(^|/)(inspection|cli|monitor)(/|$)',
  message: 'lib and lambda know nothing of those who look at what they did.',
};
const SHELLS = { regex: '(^|/)(cli|monitor)(/|$)', message: 'inspection knows nothing of those who use it.' };
const IMPURE_LAMBDA = {
  regex: '/lambda/(?!(seed|totp|declaration|aws/(ports|reactions)|claims/[a-z-]+)$)',
  message: "Only lambda's pure modules are shared.",
};
const SDK = {
  regex: '^@(aws-sdk|smithy)/',
  message: 'Only lambda/aws/sdk.ts, inspection/sdk.ts and cli/aws call the AWS SDK.',
};
const CLI_PACKAGES = {
  regex: '^(?!node:|\\.|@(aws-sdk|smithy)/|otplib$|lean-qr$)',
  message: 'cli depends on the AWS SDK, otplib, and lean-qr only.',
};
const CLI_OTPLIB = { regex: '^otplib$', message: 'Only cli/otpauth-uri.ts uses otplib.' };
const LEAN_QR = { regex: '^lean-qr$', message: 'Only cli/qr-picture.ts uses lean-qr.' };
const OTPLIB = { regex: '^otplib$', message: 'Only lambda/seed.ts and lambda/totp.ts use otplib.' };

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
  mayNotImport(['bin/**/*.ts'], LAMBDA, { regex: '^\\.(?!\\./lib$)', message: 'The example app uses the public API.' }),
  mayNotImport(['lib/**/*.ts'], UNPUBLISHED, OBSERVERS, LAMBDA, SDK, OTPLIB, DEVELOPMENT_PACKAGES),
  mayNotImport(['lib/contract.ts'], { regex: '', message: 'contract.ts imports nothing.' }),
  mayNotImport(['lib/checks.ts'], { regex: '^(?!\\./contract$)', message: 'checks.ts imports contract.ts only.' }),
  mayNotImport(['lambda/**/*.ts'], UNPUBLISHED, OBSERVERS, CDK, LIB, SDK, OTPLIB, DEVELOPMENT_PACKAGES),
  mayNotImport(['lambda/aws/sdk.ts'], UNPUBLISHED, OBSERVERS, CDK, LIB, OTPLIB, DEVELOPMENT_PACKAGES),
  mayNotImport(['lambda/seed.ts', 'lambda/totp.ts'], UNPUBLISHED, OBSERVERS, CDK, LIB, SDK, DEVELOPMENT_PACKAGES),
  mayNotImport(
    ['inspection/**/*.ts'],
    ...[UNPUBLISHED, SHELLS, CDK, LIB, IMPURE_LAMBDA, SDK, OTPLIB, DEVELOPMENT_PACKAGES],
  ),
  mayNotImport(['inspection/sdk.ts'], ...[UNPUBLISHED, SHELLS, CDK, LIB, IMPURE_LAMBDA, OTPLIB, DEVELOPMENT_PACKAGES]),
  mayNotImport(['cli/**/*.ts'], UNPUBLISHED, CDK, LIB, IMPURE_LAMBDA, SDK, CLI_OTPLIB, LEAN_QR, CLI_PACKAGES),
  mayNotImport(['cli/aws/**/*.ts'], UNPUBLISHED, CDK, LIB, IMPURE_LAMBDA, CLI_OTPLIB, LEAN_QR, CLI_PACKAGES),
  mayNotImport(['cli/otpauth-uri.ts'], UNPUBLISHED, CDK, LIB, IMPURE_LAMBDA, SDK, LEAN_QR, CLI_PACKAGES),
  mayNotImport(['cli/qr-picture.ts'], UNPUBLISHED, CDK, LIB, IMPURE_LAMBDA, SDK, CLI_OTPLIB, CLI_PACKAGES),
);
