import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { READ_ACTIONS } from '../../inspection/ports';
import { FINDING_CODES, UNDECIDED_CODES } from '../../inspection/report';

const ROOT = join(__dirname, '..', '..');
const PAGES = [
  ...['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'test/README.md'],
  ...readdirSync(join(ROOT, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];
const textOf = (page: string) => readFileSync(join(ROOT, page), 'utf8');

/** The text of a page, from a heading to the next one. */
function sectionOf(page: string, heading: string): string {
  return textOf(page).split(`\n## ${heading}\n`)[1]?.split(/^## /m)[0]?.replace(/\s+/g, ' ') ?? '';
}

/** The anchors of a page, as GitHub derives them from headings. */
function anchorsOf(page: string): string[] {
  const headings = [...textOf(page).matchAll(/^#{1,6} (.*)$/gm)].map(([, heading]) => heading ?? '');
  return headings.map((heading) =>
    heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('a page says that cdk deploy --hotswap and cdk watch skip enrollments, and what to do; README.md links to it', () => {
  const section = sectionOf('docs/lifecycle.md', 'Hotswap and watch');
  expect(section).toContain(
    '`cdk deploy --hotswap` and `cdk watch` skip changes of enrollments and devices without an error',
  );
  expect(section).toContain('`cdk deploy --hotswap-fallback` can report "no changes". Run a plain `cdk deploy`.');
  for (const page of ['README.md', 'docs/environments.md', 'docs/operations.md']) {
    expect(textOf(page)).toContain('lifecycle.md#hotswap-and-watch)');
  }
});

test("a page explains IAM's error for a user with a device that somebody enabled without this library", () => {
  const section = sectionOf('docs/troubleshooting.md', 'Other messages');
  expect(section).toContain('must delete MFA device first');
  expect(section).toContain('must remove tokens from principal first');
  expect(section).toContain('aws iam deactivate-mfa-device');
});

test('SECURITY.md promises nothing that memory, AWSPREVIOUS and the ids of secret versions do not hold', () => {
  const text = textOf('SECURITY.md').replace(/\s+/g, ' ');
  expect(text).not.toMatch(/for the time of one request|can't overwrite|can't make the function/);
  expect(text).toContain("JavaScript can't erase memory");
  expect(text).toContain('keeps the former value as `AWSPREVIOUS` only until the next write');
  expect(text).toContain('Somebody who can write to the secret can remove that id');
});

test('docs/operations.md explains each code of status in a table, and its policy has exactly the actions of status', () => {
  const section = textOf('docs/operations.md').split('\n## Status\n')[1]?.split(/^## /m)[0] ?? '';
  const explained = [...section.matchAll(/^\| `([A-Z_]+)` /gm)].map(([, code]) => code);
  expect(explained).toEqual([...FINDING_CODES, ...UNDECIDED_CODES]);
  const [, policy = '{}'] = /```json\n(.*?)```/s.exec(section) ?? [];
  expect(JSON.parse(policy)).toMatchObject({ Statement: [{ Effect: 'Allow', Action: READ_ACTIONS }] });
});

test.each(PAGES)('each link of %s to this repository leads to a file, and to a heading if it names one', (page) => {
  const targets = [...textOf(page).matchAll(/\]\((?!https?:)([^)\s]*)\)/g)].map(([, target]) => target ?? '');
  const broken = targets.filter((target) => {
    const [file = '', anchor] = target.split('#');
    const linked = file === '' ? page : relative(ROOT, join(ROOT, dirname(page), file));
    return !existsSync(join(ROOT, linked)) || (anchor !== undefined && !anchorsOf(linked).includes(anchor));
  });
  expect(broken).toEqual([]);
});

test.each(PAGES)('each fence of a code block in %s is on a line of its own, and each block is closed', (page) => {
  const fences = textOf(page)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.includes('```'));
  // jsii fixtures follow the language.
  expect(fences.filter((line) => !/^```(?:[a-z]+(?: fixture=\w+)?)?$/.test(line))).toEqual([]);
  // A block may have no language, but the fence that closes a block never has one.
  expect(fences.filter((line, i) => i % 2 === 1 && line !== '```')).toEqual([]);
  expect(fences.length % 2).toBe(0);
});
