import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { runInNewContext } from 'node:vm';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { MfaEnrollmentProvider } from '../../lib';

/** The example of the README, as it stands there. It is JavaScript, as jsii's examples know no functions. */
function serializerOfReadme(): string {
  const readme = readFileSync(path.join(__dirname, '..', '..', 'README.md'), 'utf8');
  return /^```js\n(expect\.addSnapshotSerializer.*?)^```$/ms.exec(readme)?.[1] ?? '';
}

beforeAll(() => {
  // What the README says is run, not a copy of it.
  runInNewContext(serializerOfReadme(), { expect });
});

test('the serializer in the README masks the hash of the function’s asset', () => {
  const stack = new Stack(new App(), 'Snapshot');
  new MfaEnrollmentProvider(stack, 'Provider');
  const [handler] = Object.values(Template.fromStack(stack).findResources('AWS::Lambda::Function')) as [
    { Properties: { Code: unknown } },
  ];
  expect(handler.Properties.Code).toMatchInlineSnapshot(`
   {
     "S3Bucket": {
       "Fn::Sub": "cdk-hnb659fds-assets-\${AWS::AccountId}-\${AWS::Region}",
     },
     "S3Key": "<asset hash>.zip",
   }
  `);
});

test('and masks nothing else', () => {
  const hash = '0123456789abcdef'.repeat(4);
  expect([hash, `${hash}.zip`, `x${hash}.zip`, 'function.zip']).toMatchInlineSnapshot(`
   [
     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
     "<asset hash>.zip",
     "x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.zip",
     "function.zip",
   ]
  `);
});
