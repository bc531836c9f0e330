import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ReadError } from '../../inspection/ports';
import { SdkReadPorts } from '../../inspection/sdk';

/** How a call fails if the endpoint answers with this error. */
async function failureOf(type: string): Promise<unknown> {
  const server = createServer((_request, response) => {
    response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify({ __type: type }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const ports = new SdkReadPorts('us-east-1', {
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    });
    return await ports
      .secrets('us-east-1')
      .listSecrets()
      .then(
        () => undefined,
        (error: unknown) => error,
      );
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test("AWS's error code is kept", async () => {
  expect(await failureOf('InternalServiceError')).toEqual(
    new ReadError('secretsmanager:ListSecrets', 'InternalServiceError', 400),
  );
});

test.each(['Access\u001b[2JDenied', 'JBSW Y3DP', '<b>'])(
  'a text that is no error code, %j, is not kept',
  async (type) => {
    const error = await failureOf(type);
    expect(error).toEqual(new ReadError('secretsmanager:ListSecrets', undefined, 400));
    expect(error).toHaveProperty('code', undefined);
  },
);
