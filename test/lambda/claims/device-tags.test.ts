import {
  claimValue,
  creationId,
  DEVICE_CLAIM_PREFIX,
  ENROLLMENT_CLAIM_PREFIX,
  MARK_PREFIX,
  markValue,
  tagKey,
  SEED_PREFIX,
} from '../../../lib/contract';
import { DeviceTags } from '../../../lambda/claims/device-tags';
import { CREATE_IS_OVER_MS, DAY_MS, MARK_IS_OVER_MS } from '../../../lambda/claims/timing';

const NOW = Date.UTC(2026, 0, 10, 12);
const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DECLARATION = {
  stackUuid: '11111111-1111-1111-1111-111111111111',
  stackName: 'Staging',
  region: 'eu-west-1',
  logicalId: 'Alice',
};
/** Key of the tag with the version that holds the seed. */
const SEED_KEY = tagKey(SEED_PREFIX, DECLARATION.stackUuid, DECLARATION.logicalId);
const OTHER_STACK = '22222222-2222-2222-2222-222222222222';

const key = (stackUuid: string, logicalId: string, prefix: string = ENROLLMENT_CLAIM_PREFIX) =>
  tagKey(prefix, stackUuid, logicalId);
const OURS = key(DECLARATION.stackUuid, 'Alice');
const OUR_MARK = key(DECLARATION.stackUuid, 'Alice', MARK_PREFIX);
const SIBLING = key(DECLARATION.stackUuid, 'Renamed');
const THEIRS = key(OTHER_STACK, 'Alice');
const THEIR_MARK = key(OTHER_STACK, 'Alice', MARK_PREFIX);

/** The creation id of a Create that was sent this long ago. */
const sent = (ago: number, hash = '1a2b3c4d') => creationId(hash, NOW - ago);
const TIMELESS = creationId('1a2b3c4d');

const claim = (creation: string, kind: 'enabled' | 'adopted' = 'enabled', over?: string) =>
  claimValue({ kind, user: 'alice', creation, over }, 'eu-west-1', 'Staging');
const mark = (creation: string, ago: number) => markValue({ creation, time: NOW - ago });

const tagsOf = (tags: Record<string, string>) =>
  new DeviceTags(
    Object.entries(tags).map(([k, value]) => ({ key: k, value })),
    ENROLLMENT_CLAIM_PREFIX,
    DECLARATION,
    'alice',
    NOW,
  );

describe('a claim', () => {
  test('of another resource type counts for nobody', () => {
    const tags = tagsOf({
      owner: 'enabled',
      [key(OTHER_STACK, 'Alice', DEVICE_CLAIM_PREFIX)]: claim(sent(HOUR)),
      [SEED_KEY]: 'enabled',
    });
    expect(tags).toMatchObject({ ours: undefined, others: false, isClaimed: false });
    expect(tags.evidence(NOW)).toBeUndefined();
  });

  test('of another resource of our stack, and of the same resource of another stack, is of others', () => {
    expect(tagsOf({ [OURS]: claim(sent(HOUR)) }).others).toBe(false);
    expect(tagsOf({ [SIBLING]: claim(sent(HOUR)) }).others).toBe(true);
    expect(tagsOf({ [THEIRS]: claim(sent(HOUR)) }).others).toBe(true);
  });

  test('of a user whose name differs in case only is of the same user', () => {
    const theirs = claimValue({ kind: 'enabled', user: 'Alice', creation: sent(HOUR) }, 'eu-west-1', 'Staging');
    expect(tagsOf({ [THEIRS]: theirs }).others).toBe(true);
  });

  test.each(['kept by hand', 'enabled alice', ''])(
    'that is not readable keeps the device, and is no evidence: %s',
    (value) => {
      expect(tagsOf({ [THEIRS]: value }).others).toBe(true);
      expect(tagsOf({ [THEIRS]: value, [SIBLING]: value }).evidence(NOW)).toBeUndefined();
    },
  );

  test('that is not readable is of no other user', () => {
    expect(tagsOf({ [THEIRS]: 'kept by hand' }).isOfAnotherUser).toBe(false);
  });

  test('of another user does not keep the device enabled for ours', () => {
    const theirs = claimValue({ kind: 'enabled', user: 'bob', creation: sent(HOUR) }, 'eu-west-1', 'Staging');
    expect(tagsOf({ [THEIRS]: theirs }).others).toBe(false);
  });
});

describe('a claim of others is withdrawn', () => {
  const others = (theirClaim: string, theirMark: string) =>
    tagsOf({ [THEIRS]: theirClaim, [THEIR_MARK]: theirMark }).others;

  test('by a mark that names its creation', () => {
    expect(others(claim(sent(HOUR)), mark(sent(HOUR), 0))).toBe(false);
  });

  test('by a mark for any creation that is at most a day younger', () => {
    expect(others(claim(sent(DAY_MS)), mark('any', 0))).toBe(false);
    expect(others(claim(sent(DAY_MS + SECOND)), mark('any', 0))).toBe(true);
  });

  test('by a mark for any creation if the claim has no time', () => {
    expect(others(claim(TIMELESS), mark('any', CREATE_IS_OVER_MS - SECOND))).toBe(false);
  });

  test('not by a mark for any creation that stops no Create any more, if the claim has no time', () => {
    expect(others(claim(TIMELESS), mark('any', CREATE_IS_OVER_MS))).toBe(true);
    expect(others(claim(TIMELESS), mark(TIMELESS, CREATE_IS_OVER_MS))).toBe(false);
  });

  test('not by a mark that names another creation', () => {
    expect(others(claim(sent(HOUR)), mark(sent(HOUR, 'ffffffff'), 0))).toBe(true);
  });

  test('not by a mark for any creation that is older than the claim', () => {
    expect(others(claim(sent(HOUR)), mark('any', HOUR))).toBe(false);
    expect(others(claim(sent(HOUR)), mark('any', HOUR + SECOND))).toBe(true);
  });

  test('not by the mark of another resource', () => {
    expect(tagsOf({ [THEIRS]: claim(sent(HOUR)), [OUR_MARK]: mark(sent(HOUR), 0) }).others).toBe(true);
  });

  test('not by a mark that this version cannot read', () => {
    expect(others(claim(sent(HOUR)), `${sent(HOUR)} later`)).toBe(true);
  });

  test('not if its Delete gives the device back to a claim that a removal policy kept', () => {
    expect(others(claim(sent(HOUR), 'enabled', sent(3 * DAY_MS)), mark(sent(HOUR), 0))).toBe(true);
    expect(others(claim(sent(DAY_MS), 'enabled', sent(3 * DAY_MS)), mark(sent(DAY_MS), 0))).toBe(false);
  });
});

describe('a claim that a removal policy kept', () => {
  const NEW = sent(0, 'ffffffff');
  const kept = (tags: Record<string, string>) => tagsOf(tags).keptBefore(NEW);

  test('is remembered if it is more than a day old', () => {
    expect(kept({ [OURS]: claim(sent(DAY_MS + SECOND)) })).toBe(sent(DAY_MS + SECOND));
    expect(kept({ [OURS]: claim(sent(DAY_MS)) })).toBeUndefined();
  });

  test('is not remembered if it has no time, or if a mark withdraws it', () => {
    expect(kept({ [OURS]: claim(TIMELESS) })).toBeUndefined();
    expect(kept({ [OURS]: claim(sent(3 * DAY_MS)), [OUR_MARK]: mark(sent(3 * DAY_MS), 0) })).toBeUndefined();
  });

  test('stays remembered by the claim of the same creation, and by a later one', () => {
    expect(kept({ [OURS]: claim(NEW, 'enabled', sent(3 * DAY_MS)) })).toBe(sent(3 * DAY_MS));
    expect(kept({ [OURS]: claim(sent(HOUR), 'enabled', sent(3 * DAY_MS)) })).toBe(sent(3 * DAY_MS));
  });

  test('is not remembered by an Update of the same resource', () => {
    expect(tagsOf({ [OURS]: claim(sent(3 * DAY_MS)) }).keptBefore(sent(3 * DAY_MS))).toBeUndefined();
  });

  test('of another resource is not remembered', () => {
    expect(kept({ [THEIRS]: claim(sent(3 * DAY_MS)) })).toBeUndefined();
  });

  test('is given back within a day after the Create, or if that has no time', () => {
    const returns = (creation: string) => tagsOf({}).returnsToKept({ creation, over: sent(3 * DAY_MS) }, NOW);
    expect(returns(sent(DAY_MS - SECOND))).toBe(true);
    expect(returns(sent(DAY_MS))).toBe(false);
    expect(returns(TIMELESS)).toBe(true);
  });

  test('is given back only if there is one', () => {
    expect(tagsOf({}).returnsToKept({ creation: sent(HOUR) }, NOW)).toBe(false);
  });
});

describe('a request is overtaken', () => {
  const sentAt = NOW - HOUR;
  const isOvertaken = (tags: Record<string, string>, creation = sent(HOUR), at: number | undefined = sentAt) =>
    tagsOf(tags).isOvertaken({ creation, sentAt: at });

  test('by a mark that names its creation', () => {
    expect(isOvertaken({ [OUR_MARK]: mark(sent(HOUR), 0) })).toBe(true);
  });

  test('by a mark for any creation that is not older', () => {
    expect(isOvertaken({ [OUR_MARK]: mark('any', HOUR) })).toBe(true);
    expect(isOvertaken({ [OUR_MARK]: mark('any', HOUR + SECOND) })).toBe(false);
  });

  test('by a mark for a later creation, unless the request was sent after the mark', () => {
    const later = mark(sent(HOUR / 2, 'ffffffff'), HOUR / 4);
    expect(isOvertaken({ [OUR_MARK]: later })).toBe(true);
    expect(isOvertaken({ [OUR_MARK]: later }, sent(HOUR), NOW)).toBe(false);
  });

  test('not by a mark for an earlier creation', () => {
    expect(isOvertaken({ [OUR_MARK]: mark(sent(2 * HOUR, 'ffffffff'), 0) })).toBe(false);
  });

  test('by a claim of a later creation', () => {
    expect(isOvertaken({ [OURS]: claim(sent(HOUR - SECOND, 'ffffffff')) })).toBe(true);
    expect(isOvertaken({ [OURS]: claim(sent(HOUR + SECOND, 'ffffffff')) })).toBe(false);
  });

  test('not by marks and claims of other resources', () => {
    expect(isOvertaken({ [THEIR_MARK]: mark(sent(HOUR), 0), [SIBLING]: claim(sent(0)) })).toBe(false);
  });

  test('not by nothing', () => {
    expect(isOvertaken({})).toBe(false);
  });

  describe('without a time', () => {
    // `undefined` would be replaced by the default.
    const isTimelessOvertaken = (tags: Record<string, string>) =>
      tagsOf(tags).isOvertaken({ creation: TIMELESS, sentAt: undefined });

    test('by a mark that names its creation', () => {
      expect(isTimelessOvertaken({ [OUR_MARK]: mark(TIMELESS, DAY_MS) })).toBe(true);
      expect(isTimelessOvertaken({ [OUR_MARK]: mark('ffffffff', 0) })).toBe(false);
    });

    test('by a mark for any creation until a Create of that time is over', () => {
      expect(isTimelessOvertaken({ [OUR_MARK]: mark('any', CREATE_IS_OVER_MS - SECOND) })).toBe(true);
      expect(isTimelessOvertaken({ [OUR_MARK]: mark('any', CREATE_IS_OVER_MS) })).toBe(false);
    });
  });
});

describe('a Delete may undo our claim', () => {
  const undoable = (ours: string, creation: string | undefined, ago = 0) =>
    tagsOf({ [OURS]: ours }).undoable(creation, NOW - ago) !== undefined;

  test('if it has the same creation id, however old', () => {
    expect(undoable(claim(sent(9 * DAY_MS)), sent(9 * DAY_MS))).toBe(true);
    expect(undoable(claim(sent(HOUR)), sent(HOUR, 'ffffffff'))).toBe(false);
  });

  test('with an invented id if the claim is older by at most a day', () => {
    expect(undoable(claim(sent(DAY_MS)), undefined)).toBe(true);
    expect(undoable(claim(sent(DAY_MS + SECOND)), undefined)).toBe(false);
    expect(undoable(claim(sent(HOUR)), undefined, HOUR)).toBe(true);
    expect(undoable(claim(sent(HOUR)), undefined, HOUR + SECOND)).toBe(false);
  });

  test('with an invented id if the claim has no time', () => {
    expect(undoable(claim(TIMELESS), undefined)).toBe(true);
  });

  test('with an invented id, however old the claim is, if the mark withdraws it: an earlier Delete has failed', () => {
    const left = sent(9 * DAY_MS);
    const tags = tagsOf({ [OURS]: claim(left), [OUR_MARK]: mark(left, 8 * DAY_MS) });
    expect(tags.undoable(undefined, NOW)).toBeDefined();
    // A Delete that names its Create undoes only that one's claim.
    expect(tags.undoable(sent(HOUR, 'ffffffff'), NOW)).toBeUndefined();
  });

  test('but not the claim of another resource', () => {
    expect(tagsOf({ [SIBLING]: claim(sent(HOUR)) }).undoable(sent(HOUR), NOW)).toBeUndefined();
  });
});

describe('a claim is evidence that this library enabled the device', () => {
  const ENABLED_AT = NOW - HOUR;
  const kindOf = (tags: Record<string, string>) => tagsOf(tags).evidence(ENABLED_AT);
  const OVER_BEFORE = claim(sent(HOUR + CREATE_IS_OVER_MS + SECOND));
  const MAY_HAVE_DONE_IT = claim(sent(HOUR + CREATE_IS_OVER_MS));

  test.each([
    ['of our resource', OURS],
    ['of another stack', THEIRS],
  ])('%s only if its Create may have run when the device was enabled', (_, owner) => {
    expect(kindOf({ [owner]: MAY_HAVE_DONE_IT })).toBe('enabled');
    expect(kindOf({ [owner]: OVER_BEFORE })).toBeUndefined();
  });

  test('of another resource of our stack', () => {
    expect(kindOf({ [SIBLING]: OVER_BEFORE })).toBe('enabled');
  });

  test('of a key that names more than a stack and a resource never', () => {
    const longer = `${ENROLLMENT_CLAIM_PREFIX}${DECLARATION.stackUuid}/Foo:${OTHER_STACK}/Bar`;
    expect(kindOf({ [longer]: claim(sent(HOUR)) })).toBeUndefined();
  });

  test('of another user never', () => {
    const theirs = { kind: 'enabled', user: 'bob', creation: sent(HOUR) } as const;
    expect(kindOf({ [SIBLING]: claimValue(theirs, 'eu-west-1', 'Staging') })).toBeUndefined();
  });

  test('from the Update that enabled the device again, until that is over', () => {
    const enabledAgain = (ago: number) =>
      claimValue({ kind: 'enabled', user: 'alice', creation: sent(DAY_MS), since: NOW - ago }, 'eu-west-1', 'Staging');
    expect(kindOf({ [THEIRS]: enabledAgain(HOUR + CREATE_IS_OVER_MS) })).toBe('enabled');
    expect(kindOf({ [THEIRS]: enabledAgain(HOUR + CREATE_IS_OVER_MS + SECOND) })).toBeUndefined();
  });

  test('without a time', () => {
    expect(kindOf({ [THEIRS]: claim(TIMELESS) })).toBe('enabled');
  });

  test('if any of them says enabled', () => {
    expect(kindOf({ [THEIRS]: claim(sent(0), 'adopted') })).toBe('adopted');
    expect(kindOf({ [THEIRS]: claim(sent(0), 'adopted'), [SIBLING]: claim(sent(0)) })).toBe('enabled');
  });

  test('of a stack whose id only begins like ours does not count as our stack', () => {
    expect(kindOf({ [`${ENROLLMENT_CLAIM_PREFIX}${DECLARATION.stackUuid}0/Alice`]: OVER_BEFORE })).toBeUndefined();
  });
});

describe('a mark', () => {
  test('is fresh until every request that it can stop is over', () => {
    expect(tagsOf({ [THEIR_MARK]: mark('any', MARK_IS_OVER_MS - SECOND) }).hasFreshMark).toBe(true);
    expect(tagsOf({ [THEIR_MARK]: mark('any', MARK_IS_OVER_MS) }).hasFreshMark).toBe(false);
  });

  test('has served if it is over and its resource has no claim', () => {
    const over = mark('any', MARK_IS_OVER_MS);
    expect(tagsOf({ [THEIR_MARK]: over }).spentMarks).toEqual([THEIR_MARK]);
    expect(tagsOf({ [THEIR_MARK]: over, [THEIRS]: claim(sent(HOUR)) }).spentMarks).toEqual([]);
    expect(tagsOf({ [THEIR_MARK]: mark('any', MARK_IS_OVER_MS - SECOND) }).spentMarks).toEqual([]);
  });

  test('of our resource has never served, because its Delete may have just written it again', () => {
    expect(tagsOf({ [OUR_MARK]: mark('any', MARK_IS_OVER_MS) }).spentMarks).toEqual([]);
  });

  test('that this version cannot read is not fresh, and has not served', () => {
    const tags = tagsOf({ [THEIR_MARK]: 'any time', [OUR_MARK]: '' });
    expect(tags).toMatchObject({ ourMark: undefined, hasFreshMark: false, spentMarks: [] });
  });

  describe('stands for that of another Delete', () => {
    const MINUTE = 60 * SECOND;
    const isMarked = (value: string | undefined, creation: string | undefined, age = 0) =>
      tagsOf(value === undefined ? {} : { [OUR_MARK]: value }).isMarkedFor(creation, NOW - age);

    test.each<[string, string | undefined, string | undefined, boolean]>([
      ['of the same Create', mark(sent(MINUTE), 0), sent(MINUTE), true],
      ['of the same Create, if it is later', mark(sent(MINUTE), SECOND), sent(MINUTE), false],
      ['with an invented id, too', mark('any', 0), undefined, true],
      ['with an invented id, if it is later', mark('any', SECOND), undefined, false],
      ['of an earlier Create', mark(sent(MINUTE), SECOND), sent(2 * MINUTE), true],
      ['of a later Create', mark(sent(2 * MINUTE), SECOND), sent(MINUTE), false],
      ['of an earlier Create, if its own id is invented', mark('any', SECOND), sent(2 * SECOND), true],
      ['of a later Create, if its own id is invented', mark('any', 2 * SECOND), sent(SECOND), false],
      ['with an invented id, if its own is known', mark(sent(MINUTE), SECOND), undefined, false],
      ['of an earlier Create, while the later one may run', mark(sent(MINUTE), CREATE_IS_OVER_MS), sent(HOUR), false],
      ['that is not there', undefined, sent(MINUTE), false],
    ])('%s', (_, value, creation, expected) => {
      expect(isMarked(value, creation)).toBe(expected);
    });
  });

  test('of our resource is the mark of our latest Delete', () => {
    expect(tagsOf({ [THEIR_MARK]: mark('any', HOUR) }).ourMark).toBeUndefined();
    expect(tagsOf({ [OUR_MARK]: mark(sent(HOUR), 0) }).ourMark).toEqual({ creation: sent(HOUR), time: NOW });
  });
});

test('claims are listed for people with their key and place, unless somebody else has written them', () => {
  const tags = tagsOf({
    [OURS]: claim(sent(HOUR)),
    [key(OTHER_STACK, 'Phone', DEVICE_CLAIM_PREFIX)]: 'x',
    [`${ENROLLMENT_CLAIM_PREFIX}none. Next: run`]: 'aws iam delete-user eu-west-1 Staging',
    [key(OTHER_STACK, 'Mallory. Next: run')]: 'enabled alice 20260110T110000Z-1a2b3c4d eu-west-1 Staging',
    [key(OTHER_STACK, 'Mallory')]: 'aws iam delete-user',
    [key(OTHER_STACK, 'Eve')]: 'aws iam delete-user eu-west-1 Staging;',
  });
  expect(tags.claimsOf(ENROLLMENT_CLAIM_PREFIX)).toEqual([`${OURS} (of Staging in eu-west-1)`]);
});

describe('the claim that a new one remembers', () => {
  const CREATION = sent(0, 'ffffffff');
  const kept = (value: string, marks: Record<string, string> = {}) =>
    tagsOf({ [OURS]: value, ...marks }).keptBefore(CREATION);

  test.each<[string, string, string | undefined]>([
    ['of another Create, if it is older than a day', claim(sent(DAY_MS + SECOND)), sent(DAY_MS + SECOND)],
    ['of another Create, not if it is a day old', claim(sent(DAY_MS)), undefined],
    ['of another Create without a time, never', claim(TIMELESS), undefined],
    ['of the same Create, never', claim(CREATION), undefined],
    ['is that which an earlier one remembers', claim(sent(HOUR), 'enabled', sent(2 * DAY_MS)), sent(2 * DAY_MS)],
  ])('%s', (_, value, expected) => {
    expect(kept(value)).toBe(expected);
  });
});

test('a key is there if a tag has it', () => {
  const tags = tagsOf({ [OURS]: 'x', other: 'y' });
  expect([tags.hasKey(OURS), tags.hasKey('other'), tags.hasKey('none')]).toEqual([true, true, false]);
  expect(tagsOf({}).hasKey(OURS)).toBe(false);
});

test.each([
  ['us-gov-west-1', 'Staging'],
  ['eu-west-10', 'Staging-1'],
])('a claim of %s is listed', (region, stackName) => {
  const value = `enabled alice ${sent(HOUR)} ${region} ${stackName}`;
  expect(tagsOf({ [OURS]: value }).claimsOf(ENROLLMENT_CLAIM_PREFIX)).toEqual([
    `${OURS} (of ${stackName} in ${region})`,
  ]);
});

test.each([
  [`x${OURS.slice(ENROLLMENT_CLAIM_PREFIX.length)}`, 'eu-west-1'],
  [OURS.slice(ENROLLMENT_CLAIM_PREFIX.length), '1eu-west-1'],
  [OURS.slice(ENROLLMENT_CLAIM_PREFIX.length), 'west-1'],
])('a claim of %s in %s is not listed', (owner, region) => {
  const value = `enabled alice ${sent(HOUR)} ${region} Staging`;
  expect(tagsOf({ [ENROLLMENT_CLAIM_PREFIX + owner]: value }).claimsOf(ENROLLMENT_CLAIM_PREFIX)).toEqual([]);
});
