import {
  claimIn,
  DEVICE_CLAIM_PREFIX,
  ENROLLMENT_CLAIM_PREFIX,
  MARK_PREFIX,
  markValue,
  tagKey,
  type Claim,
  sentAtOf,
} from '../../../lib/contract';
import { type Action, CallError } from '../../../lambda/aws/ports';
import { JOINER_LOOKS_AGAIN_MS } from '../../../lambda/claims/timing';
import { type CustomResourceEvent } from '../../../lambda/protocol';
import {
  DAY,
  DEVICE_LOGICAL_ID,
  type Fault,
  INVENTED,
  LOGICAL_ID,
  MINUTE,
  OTHER_STACK,
  OTHER_STACK_UUID,
  refuse,
  serialNumberOf,
  Stage,
  STACK_UUID,
} from '../stage';

/*
 * What holds for enrollments and devices alike. An enrollment "takes effect" by enabling its device, a device by
 * existing.
 */

const SUCCESS = { Status: 'SUCCESS' };
const OVERTAKEN = { Status: 'FAILED', Reason: expect.stringContaining('overtook') as unknown };
type Type = CustomResourceEvent['RequestType'];
type Changes = Partial<CustomResourceEvent>;

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.expectSecrecy());

interface Kind {
  readonly logicalId: string;
  readonly serialNumber: string;
  readonly prefix: string;
  /** The call that takes effect, and the one that undoes it. */
  readonly effect: Action;
  readonly undo: Action;
  /** The call that reads the secret. */
  readonly read: Action;
  event(type: Type, changes?: Changes): CustomResourceEvent;
  /** The properties with another secret. */
  withSecret(secretArn: string): Changes;
  readonly isThere: boolean;
}

const enrollment: Kind = {
  logicalId: LOGICAL_ID,
  serialNumber: serialNumberOf('alice'),
  prefix: ENROLLMENT_CLAIM_PREFIX,
  effect: 'iam:EnableMFADevice',
  undo: 'iam:DeactivateMFADevice',
  read: 'secretsmanager:GetSecretValue',
  event: (type, changes) => stage.event(type, changes),
  withSecret: (SeedSecretArn) => ({ ResourceProperties: stage.properties({ SeedSecretArn }) }),
  get isThere() {
    return stage.devicesOf().includes(stage.serialNumber);
  },
};

const device: Kind = {
  logicalId: DEVICE_LOGICAL_ID,
  serialNumber: serialNumberOf('phone'),
  prefix: DEVICE_CLAIM_PREFIX,
  effect: 'iam:CreateVirtualMFADevice',
  undo: 'iam:DeleteVirtualMFADevice',
  read: 'secretsmanager:DescribeSecret',
  event: (type, changes) => stage.deviceEvent(type, {}, changes),
  withSecret: (SeedSecretArn) => ({
    ResourceProperties: stage.deviceEvent('Create', { SeedSecretArn }).ResourceProperties,
  }),
  get isThere() {
    return stage.iam.state().devices.some(({ serialNumber }) => serialNumber === this.serialNumber);
  },
};

describe.each([
  ['an enrollment', enrollment],
  ['a device', device],
])('%s', (_, kind) => {
  const { serialNumber, prefix, undo, effect } = kind;
  const OURS = tagKey(prefix, STACK_UUID, kind.logicalId);
  const THEIRS = tagKey(prefix, OTHER_STACK_UUID, kind.logicalId);
  const MARK = tagKey(MARK_PREFIX, STACK_UUID, kind.logicalId);

  const send = (type: Type, changes?: Changes) => stage.send(kind.event(type, changes));
  const tags = () => stage.tags(serialNumber);
  const creation = (changes: Changes = {}) => stage.creationOf({ LogicalResourceId: kind.logicalId, ...changes });
  const claim = (owner = OURS) => claimIn(tags()[owner] ?? '', kind === enrollment);

  /** Creates the resource, and lets time pass. */
  async function created(ago = 20 * MINUTE, changes: Changes = {}): Promise<void> {
    expect(await send('Create', changes)).toMatchObject(SUCCESS);
    expect(kind.isThere).toBe(true);
    await stage.pass(ago);
    stage.calls = [];
  }

  /** Milliseconds that a request takes. */
  async function durationOf(request: () => Promise<unknown>): Promise<number> {
    const before = stage.clock.now();
    await request();
    return stage.clock.now() - before;
  }

  /** Refuses the call that undoes, in one stack, for the first attempts. */
  const throttleUndo =
    (attempts: number): Fault =>
    (action, call, { StackId }) =>
      action === undo && StackId !== OTHER_STACK.StackId && call <= attempts
        ? new CallError(action, 'Throttling', 400)
        : undefined;

  /** Our Delete marks the device after the first call of an action. */
  const markAfter =
    (after: Action, andThen: () => unknown = () => undefined): Fault =>
    (action, call) =>
      action === after && call === 1
        ? () => {
            stage.tag(MARK, markValue({ creation: 'any', time: stage.clock.now() }), serialNumber);
            return andThen();
          }
        : undefined;

  describe('that a removal policy kept', () => {
    beforeEach(() => created(3 * DAY));

    const mistakes: [string, () => Changes][] = [
      [
        'a secret with the seed of another device',
        () => kind.withSecret(stage.createSecret('mfa/bob', stage.createDevice('bob'))),
      ],
      [
        'a secret that denies access',
        () => {
          stage.fault = refuse(kind.read, 'AccessDenied', 400);
          return {};
        },
      ],
      ['a secret that does not exist', () => kind.withSecret(`${stage.secretArn.slice(0, -12)}none`)],
    ];

    test.each(mistakes)('is left alone by a Create that fails with %s, and by its Delete', async (_name, mistake) => {
      const before = tags();
      const changes = mistake();
      expect(await send('Create', changes)).toMatchObject({ Status: 'FAILED' });
      expect(await send('Delete', changes)).toMatchObject(SUCCESS);
      expect(kind.isThere).toBe(true);
      expect(tags()).toMatchObject(before);
    });

    /** The kept claim. An enrollment's says that the undone Create may have enabled the device. */
    const givenBack = (kept: Claim, undone: Claim): Claim => ({
      ...kept,
      since: kind === enrollment ? sentAtOf(undone.creation) : undefined,
    });

    test('is remembered by the claim that takes the place of the kept one', async () => {
      const kept = claim().creation;
      expect(await send('Create')).toMatchObject(SUCCESS);
      expect(claim()).toMatchObject({ creation: creation(), over: kept });
    });

    test('is given back by a Delete within a day after it was declared again', async () => {
      const kept = claim();
      await created(DAY - 10 * MINUTE);
      const undone = claim();
      expect(await send('Delete')).toMatchObject(SUCCESS);
      expect(kind.isThere).toBe(true);
      expect(claim()).toEqual(givenBack(kept, undone));
      expect(stage.left.join()).toContain('the device was retained before, it stays');
    });

    test('is given back after a Create that was cancelled', async () => {
      const kept = claim();
      await created(MINUTE);
      const undone = claim();
      expect(await send('Delete', INVENTED)).toMatchObject(SUCCESS);
      expect(kind.isThere).toBe(true);
      expect(claim()).toEqual(givenBack(kept, undone));
    });

    test('is given back by a Create that its Delete overtakes, whose reason says that the claim is there', async () => {
      const kept = claim();
      let undone: Claim | undefined;
      stage.fault = markAfter('iam:TagMFADevice', () => (undone = claim()));
      const { Reason } = await send('Create');
      expect(Reason).toContain('overtook');
      expect(Reason).toContain(`the device has the claim tag '${OURS}'`);
      expect(claim()).toEqual(givenBack(kept, undone!));
    });

    test('is undone by a Delete later than a day after it was declared again', async () => {
      await created(DAY + MINUTE);
      expect(await send('Delete')).toMatchObject(SUCCESS);
      expect(kind.isThere).toBe(false);
    });

    test('is left alone by a Delete with an invented id', async () => {
      const before = tags();
      expect(await send('Delete', INVENTED)).toMatchObject(SUCCESS);
      expect(kind.isThere).toBe(true);
      expect(tags()).toMatchObject(before);
    });
  });

  test('that is declared again within a day does not remember the former claim', async () => {
    await created(20 * MINUTE);
    expect(await send('Create')).toMatchObject(SUCCESS);
    expect(claim()).toMatchObject({ creation: creation(), over: undefined });
    expect(await send('Delete')).toMatchObject(SUCCESS);
    expect(kind.isThere).toBe(false);
  });

  describe('of two stacks', () => {
    test.each([0, 500, 5_000, 21_000, 23_000])(
      'is undone by the last of two Deletes that start within %i ms',
      async (offset) => {
        await created();
        await created(20 * MINUTE, OTHER_STACK);
        stage.iam.delays = { tags: 8_000 };
        const answers = await stage.sendAll(
          [0, () => kind.event('Delete')],
          [offset, () => kind.event('Delete', OTHER_STACK)],
        );
        expect(answers).toMatchObject([SUCCESS, SUCCESS]);
        expect(kind.isThere).toBe(false);
      },
    );

    test('stays for the other stack, and only our claim is withdrawn', async () => {
      await created();
      await created(20 * MINUTE, OTHER_STACK);
      const theirs = tags()[THEIRS];
      expect(await send('Delete')).toMatchObject(SUCCESS);
      expect(kind.isThere).toBe(true);
      expect(tags()).toMatchObject({ [THEIRS]: theirs });
      expect(tags()).not.toHaveProperty([OURS]);
      expect(stage.calls).not.toContain(undo);
    });

    test('stays for a claim of the other stack that is not readable at once', async () => {
      await created();
      await send('Create', OTHER_STACK);
      stage.iam.delays = { tags: 8_000 };
      stage.tag(THEIRS, tags()[THEIRS]!, serialNumber);
      expect(await send('Delete')).toMatchObject(SUCCESS);
      expect(kind.isThere).toBe(true);
    });

    test('stays for a stack that joins while a Delete is throttled, which reads the claims in every attempt', async () => {
      await created();
      const undoneAt: number[] = [];
      let joinedAt = Infinity;
      stage.fault = (action, call, event) => {
        if (action === undo) {
          undoneAt.push(stage.clock.now());
        }
        if (action === 'iam:TagMFADevice' && event.RequestType === 'Create') {
          joinedAt = Math.min(joinedAt, stage.clock.now());
        }
        return throttleUndo(20)(action, call, event);
      };
      const [deleted, joined] = await stage.sendAll(
        [0, () => kind.event('Delete')],
        [5_000, () => kind.event('Create', OTHER_STACK)],
      );
      expect([deleted, joined]).toMatchObject([SUCCESS, SUCCESS]);
      expect(kind.isThere).toBe(true);
      expect(claim(THEIRS).creation).toBe(creation(OTHER_STACK));
      expect(tags()).not.toHaveProperty([OURS]);
      expect(undoneAt.length).toBeGreaterThanOrEqual(4);
      // No attempt follows the other stack's claim.
      expect(undoneAt.filter((time) => time > joinedAt)).toEqual([]);
    });

    test('does not leave a stack that joins while a Delete is about to undo it with nothing', async () => {
      await created();
      // The call that undoes arrives 3 s after the claims were read.
      stage.fault = (action, call, { RequestType }) =>
        action === 'iam:ListMFADeviceTags' && RequestType === 'Delete' && call === 2
          ? () => stage.clock.sleep(3_000)
          : undefined;
      const [deleted, joined] = await stage.sendAll(
        [0, () => kind.event('Delete')],
        [1_000, () => kind.event('Create', OTHER_STACK)],
      );
      expect(deleted).toMatchObject(SUCCESS);
      // A device that is deleted meanwhile ends in a failure, because its Delete may be the one that did it.
      expect(joined).toMatchObject(kind === enrollment ? SUCCESS : OVERTAKEN);
      expect(kind.isThere).toBe(kind === enrollment);
    });

    test('keeps the claim of a new Create if a delivery of the former Delete is throttled until then', async () => {
      await created(20 * MINUTE, OTHER_STACK);
      await created();
      const remove = kind.event('Delete');
      const late = { ...remove };
      const until = stage.clock.now() + 40_000;
      stage.fault = (action, _call, event) =>
        event === late && action === 'iam:UntagMFADevice' && stage.clock.now() < until
          ? new CallError(action, 'Throttling', 400)
          : undefined;
      const answers = await stage.sendAll([0, () => late], [1_000, () => remove], [30_000, () => kind.event('Create')]);
      expect(answers).toMatchObject([SUCCESS, SUCCESS, SUCCESS]);
      expect(claim().creation).toBe(creation());
    });

    test('withdraws the claim of a Create that was overtaken, when it looks again after 30 s, and takes no third look', async () => {
      await created(20 * MINUTE, OTHER_STACK);
      stage.fault = markAfter('iam:TagMFADevice');
      expect(await durationOf(() => send('Create'))).toBeLessThan(JOINER_LOOKS_AGAIN_MS + 1_000);
      expect(kind.isThere).toBe(true);
      expect(Object.keys(tags())).not.toContain(OURS);
    });

    test('is withdrawn after a lost response only if the claims still allow it', async () => {
      await created();
      stage.fault = (action, call, { StackId }) =>
        action === undo && StackId !== OTHER_STACK.StackId && call === 1 ? 'lose answer' : undefined;
      const [deleted, enrolled] = await stage.sendAll(
        [0, () => kind.event('Delete')],
        [5_000, () => kind.event('Create', OTHER_STACK)],
      );
      expect([deleted, enrolled]).toMatchObject([SUCCESS, SUCCESS]);
      expect(kind.isThere).toBe(true);
      expect(tags()).not.toHaveProperty([OURS]);
    });
  });

  describe('whose Create is delivered twice', () => {
    test.each([
      ['before', 1_000],
      ['directly after', 5_100],
      ['long after', 4 * MINUTE],
    ])('does not come back if the second delivery starts %s its Delete', async (_name, again) => {
      const create = kind.event('Create');
      const [first, , deleted] = await stage.sendAll(
        [0, () => create],
        [again, () => create],
        // It lasts until the Create has taken effect.
        [5_000, () => kind.event('Delete')],
      );
      expect([first, deleted]).toMatchObject([SUCCESS, SUCCESS]);
      expect(kind.isThere).toBe(false);
    });

    test('does not come back if the second delivery waits while its Delete runs', async () => {
      const create = kind.event('Create');
      stage.fault = (action, call) => (action === effect && call === 2 ? () => stage.clock.sleep(15_000) : undefined);
      await stage.sendAll([0, () => create], [0, () => create], [5_000, () => kind.event('Delete')]);
      expect(kind.isThere).toBe(false);
    });

    test('waits until everybody can read the claim that its other delivery wrote', async () => {
      await created(20 * MINUTE, OTHER_STACK);
      const create = kind.event('Create');
      const sentAt = stage.clock.now();
      const second = stage.clock.sleep(2_000).then(() => stage.start(create));
      const answeredAt = second.then(() => stage.clock.now());
      expect(await stage.sendAll([0, () => create])).toMatchObject([SUCCESS]);
      expect((await stage.clock.run(answeredAt)) - sentAt).toBeGreaterThanOrEqual(2_000 + JOINER_LOOKS_AGAIN_MS);
      expect(await second).toMatchObject(SUCCESS);
    });

    test('is created once', async () => {
      const create = kind.event('Create');
      const answers = await stage.sendAll([0, () => create], [500, () => create]);
      expect(answers).toMatchObject([SUCCESS, SUCCESS]);
      expect(kind.isThere).toBe(true);
      expect(claim().creation).toBe(creation());
    });
  });

  describe('whose Delete is delivered twice', () => {
    test('is left alone by the second delivery if it was declared again meanwhile', async () => {
      await created();
      const remove = kind.event('Delete');
      expect(await stage.send(remove)).toMatchObject(SUCCESS);
      await created(2 * MINUTE);
      const before = tags();
      expect(await stage.send(remove)).toMatchObject(SUCCESS);
      expect(kind.isThere).toBe(true);
      expect(tags()).toEqual(before);
    });

    test('with an invented id is left alone by the second delivery if it was declared again meanwhile', async () => {
      await created(MINUTE);
      const remove = kind.event('Delete', INVENTED);
      expect(await stage.send(remove)).toMatchObject(SUCCESS);
      await stage.pass(1_000);
      await created(2 * MINUTE);
      expect(await stage.send(remove)).toMatchObject(SUCCESS);
      expect(kind.isThere).toBe(true);
      expect(claim().creation).toBe(creation());
    });

    test('succeeds twice', async () => {
      await created();
      const remove = kind.event('Delete');
      expect(await stage.send(remove)).toMatchObject(SUCCESS);
      expect(await stage.send(remove)).toMatchObject(SUCCESS);
      expect(kind.isThere).toBe(false);
    });
  });

  test('that is rolled forward survives the Delete of the Create that failed before', async () => {
    stage.fault = refuse(kind === enrollment ? effect : 'secretsmanager:PutSecretValue', 'LimitExceeded', 409);
    const { PhysicalResourceId, Status } = await send('Create');
    expect(Status).toBe('FAILED');
    expect(PhysicalResourceId).toMatch(/\|failed$/);
    stage.fault = () => undefined;
    await created(MINUTE);
    expect(await send('Delete', { PhysicalResourceId })).toMatchObject(SUCCESS);
    expect(kind.isThere).toBe(true);
    expect(claim().creation).toBe(creation());
  });

  test('that is rolled forward survives the Delete of the Create whose values were refused', async () => {
    const { PhysicalResourceId, Status } = await send('Create', kind.withSecret('the seed'));
    expect(Status).toBe('FAILED');
    await created(MINUTE);
    expect(await send('Delete', { PhysicalResourceId })).toMatchObject(SUCCESS);
    expect(kind.isThere).toBe(true);
    expect(stage.calls).toEqual([]);
  });

  describe('with an invented physical id', () => {
    test('is undone if it was created within a day', async () => {
      await created();
      expect(await send('Delete', INVENTED)).toMatchObject({ ...SUCCESS, ...INVENTED });
      expect(kind.isThere).toBe(false);
    });

    test('ends its Delete within 25 s if there is nothing to undo', async () => {
      expect(await durationOf(() => send('Delete', INVENTED))).toBeLessThanOrEqual(25_000);
    });

    test('is undone within a minute after a Create that is cancelled while it is throttled', async () => {
      stage.fault = refuse(effect, 'Throttling', 400, [1, 5]);
      const startedAt = stage.clock.now();
      const [, deleted] = await stage.sendAll(
        [0, () => kind.event('Create')],
        [2_000, () => kind.event('Delete', INVENTED)],
      );
      expect(deleted).toMatchObject(SUCCESS);
      expect(kind.isThere).toBe(false);
      expect(stage.clock.now() - startedAt).toBeLessThan(60_000);
    });

    test('is not undone if it was declared again after the Delete was sent', async () => {
      const late = kind.event('Delete', INVENTED);
      await stage.pass(1_000);
      await created(MINUTE);
      expect(await stage.send(late)).toMatchObject(SUCCESS);
      expect(kind.isThere).toBe(true);
    });
  });

  test('is undone by a Delete that can read its claim only 8 s after the Create wrote it', async () => {
    stage.iam.delays = { tags: 8_000 };
    const [, deleted] = await stage.sendAll(
      [0, () => kind.event('Create')],
      [4_000, () => kind.event('Delete', INVENTED)],
    );
    expect(deleted).toMatchObject(SUCCESS);
    expect(kind.isThere).toBe(false);
  });

  describe('that its Delete overtakes when it has just taken effect', () => {
    // A Create that enables a device that nobody else uses does not look again, unless the response is lost.
    const markAfterEffect = markAfter(effect, () => {
      if (kind === enrollment) {
        throw new CallError(effect, undefined);
      }
    });

    test('is undone at once', async () => {
      stage.fault = markAfterEffect;
      expect(await durationOf(async () => expect(await send('Create')).toMatchObject(OVERTAKEN))).toBe(0);
      expect(kind.isThere).toBe(false);
    });

    test('says in the log that it is not undone if that is throttled until the time runs out', async () => {
      stage.fault = (...call) => markAfterEffect(...call) ?? throttleUndo(Infinity)(...call);
      expect(await send('Create')).toMatchObject(OVERTAKEN);
      expect(stage.log.map(({ message }) => message)).toContain('what this request did could not be undone');
    });
  });

  test('that waits in the queue is overtaken by the Delete that was sent after it', async () => {
    const create = kind.event('Create');
    if (kind === device) {
      // Something that the Delete can mark.
      await created(0, OTHER_STACK);
    }
    await stage.pass(10_000);
    expect(await send('Delete', INVENTED)).toMatchObject(SUCCESS);
    await stage.pass(4 * MINUTE);
    expect(await stage.send(create)).toMatchObject(OVERTAKEN);
    expect(tags()).not.toHaveProperty([OURS]);
    expect(stage.left.join()).toContain('overtaken by a later request');
  });

  test('whose claim is gone 30 s after a Create wrote it is overtaken, and stays for the others', async () => {
    await created(20 * MINUTE, OTHER_STACK);
    const joining = stage.clock.sleep(10_000).then(() => stage.untag(OURS, serialNumber));
    const [joined] = await stage.sendAll([0, () => kind.event('Create')]);
    await joining;
    expect(joined).toMatchObject(OVERTAKEN);
    expect(kind.isThere).toBe(true);
    expect(Object.keys(tags()).filter((key) => key.startsWith(prefix))).toEqual([THEIRS]);
  });

  test('whose claim a retry of its Delete does not see is looked for again', async () => {
    await created();
    let [isThrottled, isHidden] = [false, false];
    stage.fault = (action) => {
      const value = tags()[OURS];
      if (action === undo && !isThrottled) {
        isThrottled = true;
        return new CallError(action, 'Throttling', 400);
      }
      if (action !== 'iam:ListMFADeviceTags' || !isThrottled || isHidden || value === undefined) {
        return undefined;
      }
      isHidden = true;
      stage.untag(OURS, serialNumber);
      return () => stage.tag(OURS, value, serialNumber);
    };
    expect(await send('Delete')).toMatchObject(SUCCESS);
    expect(kind.isThere).toBe(false);
  });

  test('whose claim shows again after a look that did not show it is left as another delivery made it', async () => {
    await created(20 * MINUTE, OTHER_STACK);
    let looks = 0;
    stage.fault = (action) => {
      const value = tags()[OURS];
      if (action !== 'iam:ListMFADeviceTags' || value === undefined || ++looks > 1) {
        return undefined;
      }
      // The other stack has deleted the device, and another delivery of this Create has made it again.
      stage.untag(THEIRS, serialNumber);
      stage.untag(OURS, serialNumber);
      return () => stage.tag(OURS, value, serialNumber);
    };
    expect(await send('Create')).toMatchObject(OVERTAKEN);
    expect(kind.isThere).toBe(true);
    expect(claim().creation).toBe(creation());
  });

  describe('the mark', () => {
    beforeEach(() => created(20 * MINUTE, OTHER_STACK));

    test('of a Delete names its creation and its time, and is written before the claims are read again', async () => {
      await created();
      expect(await send('Delete')).toMatchObject(SUCCESS);
      const tagCalls = stage.calls.filter((call) => /TagMFADevice$|Tags$/.test(call));
      expect(tagCalls.slice(0, 3)).toEqual(['iam:ListMFADeviceTags', 'iam:TagMFADevice', 'iam:ListMFADeviceTags']);
      expect(stage.calls.indexOf('iam:TagMFADevice')).toBe(1);
      expect(tags()[MARK]).toMatch(new RegExp(`^${creation()} 2026\\d{4}T\\d{6}Z$`));
    });

    test('of a Delete with an invented id says so', async () => {
      await created();
      await send('Delete', INVENTED);
      expect(tags()[MARK]).toMatch(/^any 2026\d{4}T\d{6}Z$/);
    });

    test('is not written by a Delete without a claim whose Create is over', async () => {
      await created();
      const remove = kind.event('Delete');
      await stage.send(remove);
      stage.untag(MARK, serialNumber);
      expect(await stage.send(remove)).toMatchObject(SUCCESS);
      expect(tags()).not.toHaveProperty([MARK]);
    });

    test('is written by a Delete without a claim whose Create may still run', async () => {
      await created(MINUTE);
      stage.untag(OURS, serialNumber);
      expect(await send('Delete')).toMatchObject(SUCCESS);
      expect(tags()).toHaveProperty([MARK]);
    });

    test('of a later Delete stays', async () => {
      await created();
      const later = markValue({ creation: 'any', time: stage.clock.now() + 1_000 });
      stage.tag(MARK, later, serialNumber);
      expect(await send('Delete')).toMatchObject(SUCCESS);
      expect(tags()[MARK]).toBe(later);
    });

    test.each([
      ['the device has 50 tags', 'LimitExceeded', 0],
      ['writing is denied for 15 s', 'AccessDenied', 15_000],
    ])('is left out if %s, which the log says', async (_name, code, atMostMs) => {
      await created();
      await send('Create', { LogicalResourceId: 'Other' });
      const before = stage.clock.now();
      let markedAt = 0;
      stage.fault = (action, ...more) => {
        markedAt = action === 'iam:TagMFADevice' ? stage.clock.now() : markedAt;
        return refuse('iam:TagMFADevice', code, 400)(action, ...more);
      };
      expect(await send('Delete')).toMatchObject(SUCCESS);
      expect(markedAt - before).toBeLessThanOrEqual(atMostMs);
      expect(stage.log).toContainEqual(expect.objectContaining({ message: 'the device could not be marked' }));
      expect(tags()).not.toHaveProperty([OURS]);
    });

    test('is not left out if writing it is throttled until the time of the Delete runs out: the Delete fails', async () => {
      await created();
      stage.fault = refuse('iam:TagMFADevice', 'Throttling', 400);
      expect(await send('Delete')).toMatchObject({ Status: 'FAILED' });
      expect(tags()).toHaveProperty([OURS]);
    });

    test('is removed by the next Create after an hour, if no claim of its resource is left', async () => {
      await created();
      await send('Delete');
      await created(0, { LogicalResourceId: 'Soon' });
      expect(tags()).toHaveProperty([MARK]);
      await stage.pass(61 * MINUTE);
      await created(0, { LogicalResourceId: 'Late' });
      expect(tags()).not.toHaveProperty([MARK]);
    });

    test('is removed by the next Delete after an hour, if no claim of its resource is left', async () => {
      await created();
      await created(0, { LogicalResourceId: 'Late' });
      await send('Delete');
      await stage.pass(61 * MINUTE);
      await send('Delete', { LogicalResourceId: 'Late' });
      expect(tags()).not.toHaveProperty([MARK]);
    });
  });

  test('without times in its response URLs is created, and deleted by its id', async () => {
    const timeless = (n: number) => ({ ResponseURL: `https://example.com/${n}?Signature=1` });
    await created(0, timeless(1));
    expect(creation()).toMatch(/^[0-9a-f]{8}$/);
    expect(await send('Delete', timeless(2))).toMatchObject(SUCCESS);
    expect(kind.isThere).toBe(false);
  });
});

describe('an Update of an enrollment that fails while the device is off', () => {
  const OURS = tagKey(ENROLLMENT_CLAIM_PREFIX, STACK_UUID, LOGICAL_ID);
  const MARK = tagKey(MARK_PREFIX, STACK_UUID, LOGICAL_ID);
  const REFUSED = 'IAM refused 4 pairs of codes';

  /** Gives the secret the seed of another device. */
  const wrongSecret = () =>
    stage.secretsManager.call('PutSecretValue', { SecretId: stage.secretArn, SecretString: stage.createDevice('bob') });

  /** Throttles the call that gives the claim back, and lets something happen meanwhile. */
  function throttleRestoring(meanwhile: () => unknown): void {
    let claims = 0;
    stage.fault = (action, _call, { RequestType }) => {
      if (action !== 'iam:TagMFADevice' || RequestType !== 'Update' || ++claims !== 2) {
        return undefined;
      }
      meanwhile();
      return new CallError(action, 'Throttling', 400);
    };
  }

  beforeEach(async () => {
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    await stage.pass(20 * MINUTE);
    stage.deactivate();
    stage.calls = [];
  });

  test('gives back the claim that it found in three calls', async () => {
    const found = stage.tags();
    wrongSecret();
    expect((await stage.request('Update')).Reason).toContain(REFUSED);
    expect(stage.calls.slice(stage.calls.lastIndexOf('iam:EnableMFADevice') + 1)).toEqual([
      'iam:ListMFADeviceTags',
      'iam:ListMFADevices',
      'iam:TagMFADevice',
    ]);
    expect(stage.tags()).toEqual(found);
  });

  test('fails with its own reason if it has not claimed the device yet', async () => {
    const SeedSecretArn = stage.createSecret('mfa/text', 'no seed!');
    const { Reason } = await stage.request('Update', { ResourceProperties: stage.properties({ SeedSecretArn }) });
    expect(Reason).toMatch(/holds no seed.*nothing was changed/);
  });

  test('fails with its own reason if somebody deletes the device before it sends codes', async () => {
    stage.fault = (action, call) => {
      if (action === 'iam:EnableMFADevice' && call === 1) {
        stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: stage.serialNumber });
      }
      return undefined;
    };
    expect((await stage.request('Update')).Reason).toContain('NoSuchEntity from iam:EnableMFADevice');
  });

  test('leaves the claim of a later Update alone that is about to enable the device, if it found none', async () => {
    stage.untag(OURS);
    const wrong = { SeedSecretArn: stage.createSecret('mfa/bob', stage.createDevice('bob')) };
    const back = stage.clock.now() + 35_000;
    stage.fault = (action, _call, { RequestType, OldResourceProperties: old }) =>
      action === 'iam:EnableMFADevice' &&
      RequestType === 'Update' &&
      old?.SeedSecretArn === wrong.SeedSecretArn &&
      stage.clock.now() < back + 100_000
        ? new CallError(action, 'Throttling', 400)
        : undefined;
    const answers = await stage.sendAll(
      [0, () => stage.event('Update', { ResourceProperties: stage.properties(wrong) })],
      [35_000, () => stage.event('Update', { OldResourceProperties: stage.properties(wrong) })],
    );
    expect(answers).toMatchObject([{ Status: 'FAILED' }, SUCCESS]);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()).toHaveProperty([OURS]);
  });

  test('does not bring back its claim if it is throttled until its Delete has withdrawn it', async () => {
    wrongSecret();
    let deletion: Promise<unknown> | undefined;
    throttleRestoring(() => (deletion = stage.start(stage.event('Delete'))));
    expect(await stage.request('Update')).toMatchObject(OVERTAKEN);
    expect(await deletion).toMatchObject(SUCCESS);
    expect(Object.keys(stage.tags())).toEqual([MARK]);
  });

  test.each<[string, () => unknown]>([
    ['removes the claim', () => stage.untag(OURS)],
    ['deletes the device', () => stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: stage.serialNumber })],
  ])('restores nothing if it is throttled until somebody %s', async (_name, meanwhile) => {
    wrongSecret();
    throttleRestoring(meanwhile);
    expect((await stage.request('Update')).Reason).toContain(REFUSED);
    expect(stage.calls.filter((call) => call === 'iam:TagMFADevice')).toHaveLength(2);
  });
});

describe('a device', () => {
  const PHONE = serialNumberOf('phone');
  const OURS = tagKey(DEVICE_CLAIM_PREFIX, STACK_UUID, DEVICE_LOGICAL_ID);

  test('that another stack creates while the secret is read is joined, and not created again', async () => {
    const until = stage.clock.now() + 10_000;
    stage.fault = (action, _call, { StackId }) =>
      action === 'secretsmanager:DescribeSecret' && StackId !== OTHER_STACK.StackId && stage.clock.now() < until
        ? new CallError(action, 'Throttling', 400)
        : undefined;
    const answers = await stage.sendAll(
      [0, () => stage.deviceEvent('Create')],
      [1_000, () => stage.deviceEvent('Create', {}, OTHER_STACK)],
    );
    expect(answers).toMatchObject([SUCCESS, SUCCESS]);
    expect(stage.calls.filter((call) => call === 'iam:CreateVirtualMFADevice')).toHaveLength(1);
  });

  test('that is gone before its Delete, which may not read its secret: the reason says that nothing was changed', async () => {
    expect(await stage.deviceRequest('Create', { OwnSecret: 'true' })).toMatchObject(SUCCESS);
    await stage.pass(20 * MINUTE);
    stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
    stage.fault = refuse('secretsmanager:DescribeSecret', 'AccessDenied', 400);
    const { Reason } = await stage.deviceRequest('Delete', { OwnSecret: 'true' });
    expect(Reason).toContain('State: the device does not exist; nothing was changed.');
  });

  test('whose Create was overtaken loses its claim although withdrawing it was denied for two minutes', async () => {
    expect(await stage.deviceRequest('Create', {}, OTHER_STACK)).toMatchObject(SUCCESS);
    await stage.pass(20 * MINUTE);
    let isOver = false;
    stage.fault = (action, call) => {
      if (action === 'iam:TagMFADevice' && call === 1) {
        const mark = tagKey(MARK_PREFIX, STACK_UUID, DEVICE_LOGICAL_ID);
        return () => stage.tag(mark, markValue({ creation: 'any', time: stage.clock.now() }), PHONE);
      }
      isOver ||= stage.log.some(({ message }) => message === 'what this request did could not be undone');
      return action === 'iam:UntagMFADevice' && !isOver ? new CallError(action, 'AccessDenied', 403) : undefined;
    };
    stage.calls = [];
    expect(await stage.deviceRequest('Create')).toMatchObject(OVERTAKEN);
    expect(stage.tags(PHONE)).not.toHaveProperty([OURS]);
  });
});
