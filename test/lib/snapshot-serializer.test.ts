import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { runInNewContext } from 'node:vm';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { MfaEnrollmentProvider } from '../../lib';

/** The example of docs/snapshot-tests.md. The compiler that checks other examples accepts no functions, so a test runs it. */
function serializerOfDocumentation(): string {
  const page = readFileSync(path.join(__dirname, '..', '..', 'docs', 'snapshot-tests.md'), 'utf8');
  return /^```js\n(expect\.addSnapshotSerializer.*?)^```$/ms.exec(page)?.[1] ?? '';
}

beforeAll(() => {
  // The text of the page itself, not a copy of it.
  runInNewContext(serializerOfDocumentation(), { expect });
});

test('the serializer in docs/snapshot-tests.md masks the hash of the function’s asset', () => {
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

test('the serializer in docs/snapshot-tests.md masks nothing but the names of assets', () => {
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
