import { enrollmentClaimKey, enrollmentClaimValue, physicalResourceId } from '../../lib/contract';

export type RequestType = 'Create' | 'Update' | 'Delete';

/** An event for the function, with the additional values that the bare program can't compute. */
export type RequestEvent = ReturnType<typeof requestEvent>;

/** The user, device and secret of one enrollment. */
export interface Subject {
  readonly userName: string;
  readonly serialNumber: string;
  readonly secretArn: string;
}

const REGION = 'us-east-1';
const STACK_UUID = '11111111-2222-3333-4444-555555555555';
const LOGICAL_ID = 'MfaEnrollmentBench0A1B2C3D';

export function requestEvent(
  type: RequestType,
  { userName, serialNumber, secretArn }: Subject,
  responseUrl: string,
  codes: readonly [string, string],
) {
  const properties = { UserName: userName, SerialNumber: serialNumber, SeedSecretArn: secretArn };
  return {
    RequestType: type,
    ResponseURL: responseUrl,
    StackId: `arn:aws:cloudformation:${REGION}:123456789012:stack/Bench/${STACK_UUID}`,
    RequestId: 'b1c2d3e4-0000-0000-0000-000000000000',
    LogicalResourceId: LOGICAL_ID,
    ResourceType: 'Custom::MfaEnrollment',
    ...(type !== 'Create' && { PhysicalResourceId: physicalResourceId(properties) }),
    ...(type === 'Update' && { OldResourceProperties: { ...properties, AdoptExisting: 'true' } }),
    ResourceProperties: properties,
    claim: {
      key: enrollmentClaimKey(STACK_UUID, LOGICAL_ID),
      value: enrollmentClaimValue('enabled', REGION, 'Bench'),
    },
    codes,
  };
}
