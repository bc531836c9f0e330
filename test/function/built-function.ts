import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer } from '../lambda/stage';
import { LoopbackServer, type ReceivedRequest, type Respond } from '../lambda/aws/loopback-server';

/** The asset that the build creates and the construct deploys. */
export const ASSET = join(__dirname, '..', '..', 'dist', 'function');

/** The environment variables that Lambda sets for every function. */
export const LAMBDA_ENVIRONMENT = {
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'ASIAROLE',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: 'session',
};

export interface Outcome {
  readonly answer: Answer;
  /** The first request to each service, if there was one. */
  readonly iam?: ReceivedRequest;
  readonly secretsManager?: ReceivedRequest;
  readonly exitCode: number;
  readonly stderr: string;
}

export interface Responses {
  readonly iam?: Respond;
  readonly secretsManager?: Respond;
}

/**
 * The built function, alone in a folder as on Lambda, where it can load no package. AWS runs on loopback with a secret
 * that holds no seed, so that a Create fails after its first requests to IAM and Secrets Manager.
 */
export class BuiltFunction {
  /** Also the home directory: its `.aws` folder is the shared configuration. */
  readonly folder = mkdtempSync(join(tmpdir(), 'built-function-'));
  private responses: Responses = {};

  private constructor(private readonly server: LoopbackServer) {
    copyFileSync(join(ASSET, 'index.js'), join(this.folder, 'index.js'));
    server.respond = (response, request) => {
      if (isToIam(request)) {
        (this.responses.iam ?? emptyResult)(response, request);
      } else if (isToSecretsManager(request)) {
        (this.responses.secretsManager ?? noSeed)(response, request);
      } else {
        response.end();
      }
    };
  }

  static async open(): Promise<BuiltFunction> {
    return new BuiltFunction(await LoopbackServer.listen());
  }

  async close(): Promise<void> {
    await this.server.close();
    rmSync(this.folder, { recursive: true });
  }

  /** The URL of AWS, for `AWS_ENDPOINT_URL`. */
  get url(): string {
    return this.server.url();
  }

  /** Overrides the responses of AWS to the next Create. */
  respondNext(responses: Responses): void {
    this.responses = responses;
  }

  /**
   * Runs a Create in a separate process.
   *
   * @param environment the whole environment, except for `HOME`
   * @param secretRegion the region of the secret
   */
  async create(environment: NodeJS.ProcessEnv, secretRegion = 'eu-west-1'): Promise<Outcome> {
    this.server.requests.length = 0;
    const event = {
      RequestType: 'Create',
      ResponseURL: 'https://cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com/response',
      StackId: 'arn:aws:cloudformation:eu-west-1:123456789012:stack/Staging/11111111-2222-3333-4444-555555555555',
      RequestId: 'b1c2d3e4-0000-0000-0000-000000000000',
      LogicalResourceId: 'MfaEnrollmentAlice0A1B2C3D',
      ResourceType: 'Custom::MfaEnrollment',
      ResourceProperties: {
        UserName: 'alice',
        SerialNumber: 'arn:aws:iam::123456789012:mfa/alice',
        SeedSecretArn: `arn:aws:secretsmanager:${secretRegion}:123456789012:secret:mfa/alice-AbCdEf`,
      },
    };
    const invocation = { file: join(this.folder, 'index.js'), event, port: Number(new URL(this.url).port) };
    const { exitCode, stderr } = await new Promise<{ exitCode: number; stderr: string }>((resolve) => {
      const child = execFile(
        process.execPath,
        [join(__dirname, 'invoke.js'), JSON.stringify(invocation)],
        { env: { HOME: this.folder, ...environment }, cwd: this.folder },
        (_error, _stdout, text) => resolve({ exitCode: child.exitCode ?? -1, stderr: text }),
      );
    });
    this.responses = {};
    const [body] = this.server.requests.filter(({ path }) => path === '/response').map((request) => request.body);
    return {
      answer: JSON.parse(body ?? 'null') as Answer,
      iam: this.server.requests.find(isToIam),
      secretsManager: this.server.requests.find(isToSecretsManager),
      exitCode,
      stderr,
    };
  }
}

function isToIam({ body }: ReceivedRequest): boolean {
  return body.startsWith('Action=');
}

function isToSecretsManager({ headers }: ReceivedRequest): boolean {
  return headers['x-amz-target'] !== undefined;
}

const emptyResult: Respond = (response, { body }) => {
  const action = new URLSearchParams(body).get('Action');
  response.end(`<${action}Response><${action}Result/></${action}Response>`);
};

const noSeed: Respond = (response) => response.end(JSON.stringify({ SecretString: 'no seed' }));
