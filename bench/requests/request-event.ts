import { occasionOf } from '../../lambda/occasion';
import { declarationOf } from '../../lambda/declaration';
import {
  claimValue,
  ENROLLMENT_CLAIM_PREFIX,
  MARK_PREFIX,
  markValue,
  physicalId,
  tagKey,
  timestamp,
} from '../../lib/contract';

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

/**
 * An event that is sent now.
 *
 * @param createdAt when the Create of the enrollment was sent, in milliseconds since the epoch
 */
export function requestEvent(
  type: RequestType,
  { userName, serialNumber, secretArn }: Subject,
  responseUrl: string,
  codes: readonly [string, string],
  createdAt: number,
) {
  const properties = { UserName: userName, SerialNumber: serialNumber, SeedSecretArn: secretArn };
  const now = Date.now();
  const sentAt = (ms: number) => ({
    StackId: `arn:aws:cloudformation:${REGION}:123456789012:stack/Bench/${STACK_UUID}`,
    RequestId: 'b1c2d3e4-0000-0000-0000-000000000000',
    LogicalResourceId: LOGICAL_ID,
    ResourceType: 'Custom::MfaEnrollment',
    ResourceProperties: properties,
    ResponseURL: `${responseUrl}?X-Amz-Date=${timestamp(ms)}`,
  });
  const create = { ...sentAt(createdAt), RequestType: 'Create' as const };
  const creation = occasionOf(create, [], declarationOf(create)).creation!;
  return {
    ...sentAt(type === 'Create' ? createdAt : now),
    RequestType: type,
    ...(type !== 'Create' && { PhysicalResourceId: physicalId([userName, serialNumber], creation) }),
    ...(type === 'Update' && { OldResourceProperties: { ...properties, AdoptExisting: 'true' } }),
    claim: {
      key: tagKey(ENROLLMENT_CLAIM_PREFIX, STACK_UUID, LOGICAL_ID),
      value: claimValue({ kind: 'enabled', user: userName, creation }, REGION, 'Bench'),
    },
    mark: {
      key: tagKey(MARK_PREFIX, STACK_UUID, LOGICAL_ID),
      value: markValue({ creation, time: now }),
    },
    codes,
  };
}
