import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ReadError } from '../../inspection/ports';
import { SdkReadPorts } from '../../inspection/sdk';

/** Makes calls to an endpoint that answers with this error. */
async function failing<T>(type: string, use: (ports: SdkReadPorts) => Promise<T>): Promise<T> {
  const server = createServer((_request, response) => {
    response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify({ __type: type }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return await use(
      new SdkReadPorts('us-east-1', {
        endpoint: `http://127.0.0.1:${port}`,
        credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
      }),
    );
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

interface ClientInside {
  readonly config: { readonly requestHandler: { httpHandlerConfigs(): object } };
}

function failureOf(type: string): Promise<unknown> {
  return failing(type, (ports) =>
    ports
      .secrets('us-east-1')
      .listSecrets()
      .then(
        () => undefined,
        (error: unknown) => error,
      ),
  );
}

test('all clients end a call without a connection or a response, or with a response that stops halfway', async () => {
  await failing('ValidationError', async (ports) => {
    const readers = { iam: ports.iam, stacks: ports.stacks('us-east-1'), secrets: ports.secrets('us-east-1') };
    await Promise.allSettled([
      readers.iam.listVirtualMFADevices(),
      readers.stacks.listStacks(),
      readers.secrets.listSecrets(),
    ]);
    for (const reader of Object.values(readers)) {
      const { client } = reader as unknown as { client: ClientInside };
      expect(client.config.requestHandler.httpHandlerConfigs()).toMatchObject({
        connectionTimeout: 5_000,
        requestTimeout: 10_000,
        throwOnRequestTimeout: true,
        socketTimeout: 10_000,
      });
    }
  });
});

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
