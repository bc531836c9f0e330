import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { ScureBase32Plugin } from 'otplib';
import { SecretText } from '../../lambda/aws/ports';
import { NotASeedError, parseSeed } from '../../lambda/seed';

const bytes = Uint8Array.from({ length: 40 }, (_, index) => (index * 37) % 256);
const base32 = new ScureBase32Plugin().encode(bytes);

const spell = (length: number) => new ScureBase32Plugin().encode(new Uint8Array(length));

const seedOf = (text: string, field?: string) => parseSeed(new SecretText(text), field).reveal();

function problemOf(text: string, field?: string): string {
  try {
    seedOf(text, field);
  } catch (error) {
    expect(error).toBeInstanceOf(NotASeedError);
    const { message, next } = error as NotASeedError;
    return `${message}; ${next}`;
  }
  throw new Error('it was taken for a seed');
}

test.each<[string, string, string?]>([
  ['Base32 as IAM returns it', base32],
  ['lower case', base32.toLowerCase()],
  ['groups of four characters', base32.replace(/.{4}/g, '$& ')],
  ['dashes, tabs and line breaks', `\t${base32.replace(/.{8}/g, '$&-')}\r\n`],
  ['padding', `${base32}======`],
  [
    'an otpauth URI',
    `otpauth://totp/Amazon%20Web%20Services:alice@acme?secret=${base32}&issuer=Amazon%20Web%20Services`,
  ],
  ["an otpauth URI with AWS's parameters", `otpauth://totp/alice?digits=6&secret=${base32}&period=30&algorithm=SHA1`],
  ['an otpauth URI in another case', ` OTPAUTH://TOTP/alice?Secret=${base32.toLowerCase()}&Algorithm=sha1\n`],
  ['a URI after any white space', `\n \u00a0otpauth://totp/alice?secret=${base32}`],
  ['a field of a JSON secret', JSON.stringify({ user: 'alice', seed: base32 }), 'seed'],
  ['a URI in a field', JSON.stringify({ uri: `otpauth://totp/alice?secret=${base32}` }), 'uri'],
  ['a byte order mark before Base32, as PowerShell writes it', `\uFEFF${base32}`],
  ['a byte order mark before a JSON secret', `\uFEFF${JSON.stringify({ seed: base32 })}\r\n`, 'seed'],
  ['a byte order mark before an otpauth URI', `\uFEFFotpauth://totp/alice?secret=${base32}`],
  ['a byte order mark in a field', JSON.stringify({ seed: `\uFEFF${base32}` }), 'seed'],
  ['groups with characters that nobody sees, as web pages have them', base32.replace(/.{4}/g, '$&\u200B\u00AD')],
  ['groups with the dashes of a word processor', base32.replace(/.{4}/g, '$&\u2013')],
])('reads %s', (...[, text, field]) => {
  expect(seedOf(text, field)).toEqual(bytes);
});

describe('an otpauth URI', () => {
  const uri = (parameters: string) => `otpauth://totp/alice?secret=${base32}&${parameters}`;

  test.each([
    'algorithm=SHA-1',
    'algorithm=sha1',
    'algorithm=sha_1',
    'algorithm=HmacSHA1',
    'algorithm=HMAC-SHA-1',
    'algorithm=Algorithm.sha1',
    'algorithm=Algorithm.SHA1',
    'algorithm=%20SHA1%20',
  ])('can name SHA1 in every way that apps write it: %s', (parameters) => {
    expect(seedOf(uri(parameters))).toEqual(bytes);
  });

  test.each([
    'algorithm=',
    'digits=',
    'period=',
    'algorithm&digits&period',
    'algorithm=&digits=%20&period=',
    'issuer=',
  ])('with an empty parameter means its default: %s', (parameters) => {
    expect(seedOf(uri(parameters))).toEqual(bytes);
  });

  test.each(['SHA-256', 'SHA512', 'SHA-3', 'SHA11', 'MD5', 'Algorithm.sha256', 'HmacSHA256', 'SHA2-1'])(
    'with another algorithm is an error: %s',
    (algorithm) => {
      expect(problemOf(uri(`algorithm=${algorithm}`))).toMatch(/another 'algorithm' than SHA1/);
    },
  );

  test('with an empty secret is an error', () => {
    expect(problemOf('otpauth://totp/alice?secret=&issuer=AWS')).toMatch(/no parameter 'secret'/);
  });
});

test.each([16, 64])('reads a seed of %i bytes, which is exactly at the limit', (length) => {
  expect(seedOf(spell(length))).toHaveLength(length);
});

test('reads any 16 to 64 bytes in Base32', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 64 }), (any) => {
      expect(seedOf(new ScureBase32Plugin().encode(any))).toEqual(any);
    }),
    { seed: 1 },
  );
});

test.each<[string, string, RegExp, string?]>([
  ['an empty string', '', /is empty; name a secret that holds this device's seed/],
  ['only white space', ' \n', /is empty; name a secret that holds this device's seed/],
  ['characters that are not Base32', 'not a seed!', /not Base32/],
  ['the digits that Base32 excludes', base32.replace(/^./, '1'), /not Base32/],
  ['one character too many', `${base32}A`, /65 characters are not a whole number of bytes/],
  ['padding that is not at the end', base32.replace(/^.{8}/, '$&='), /not Base32/],
  ['a URI after other text', `seed: otpauth://totp/alice?secret=${base32}`, /not Base32/],
  ['a seed that is too short', spell(15), /15 bytes: expected 16 to 64/],
  ['a seed that is too long', spell(65), /65 bytes: expected 16 to 64/],
  ['JSON without a field name', JSON.stringify({ seed: base32 }), /JSON object.*'seedSecretField'/],
  ['a field of a value that is not JSON', base32, /not a JSON object.*'seed'; leave out 'seedSecretField'/, 'seed'],
  ['a field of JSON null', 'null', /not a JSON object/, 'seed'],
  ['a field of a JSON string', '"seed"', /in quotes/, 'length'],
  ['a field of a JSON array', '[]', /not a valid JSON object/, '0'],
  ['a missing field', JSON.stringify({ token: base32 }), /no field 'seed'; name the key/, 'seed'],
  ['a field that every object inherits', '{}', /no field 'constructor'/, 'constructor'],
  ['a field that is not a string', JSON.stringify({ seed: 12345 }), /'seed' .*not a string/, 'seed'],
  ['a URI of type hotp', `otpauth://hotp/alice?secret=${base32}&counter=1`, /not of type 'totp'/],
  ['a URI without a secret', 'otpauth://totp/alice?issuer=AWS', /no parameter 'secret'/],
  [
    'a URI with another algorithm',
    `otpauth://totp/alice?secret=${base32}&algorithm=SHA256`,
    /another 'algorithm' than SHA1/,
  ],
  ['a URI with eight digits', `otpauth://totp/alice?secret=${base32}&digits=8`, /another 'digits' than 6/],
  ['a URI with another period', `otpauth://totp/alice?secret=${base32}&period=60`, /another 'period' than 30/],
  ['an invalid URI', 'otpauth:// totp', /not a valid URI/],
])('refuses %s and says why', (...[, text, reason, field]) => {
  expect(problemOf(text, field)).toMatch(reason);
});

/** What people store in place of a seed, made of its Base32 text. */
const MISTAKES: [string, (seed: string) => string, RegExp, string?][] = [
  [
    'otpauth-migration://, an export of several accounts',
    (seed) => `otpauth-migration://offline?data=${Buffer.from(seed).toString('base64url')}`,
    /an export of Google Authenticator \(otpauth-migration:\/\/\); decode the export/,
  ],
  ['"SEED" in quotes', (seed) => `"${seed}"`, /in quotes; store it without quotes/],
  ["'SEED' in single quotes", (seed) => `'${seed}'`, /in quotes; store it without quotes/],
  ['“SEED” in typographic quotes', (seed) => `“${seed}”`, /in quotes; store it without quotes/],
  ["b'SEED', the bytes of Python", (seed) => `b'${seed}'`, /in quotes; store it without quotes/],
  ['a URI in quotes', (seed) => `"otpauth://totp/alice?secret=${seed}"`, /in quotes/],
  [
    "Base64 of the Base32 text, as IAM's API shows it",
    (seed) => Buffer.from(seed).toString('base64'),
    /Base64 of the Base32 text, as IAM's API returns it; store what it decodes to/,
  ],
  [
    'Base64 of the Base32 text in a field',
    (seed) => JSON.stringify({ Base32StringSeed: Buffer.from(seed).toString('base64') }),
    /Base64 of the Base32 text/,
    'Base32StringSeed',
  ],
  [
    'nested JSON',
    (seed) => JSON.stringify({ VirtualMFADevice: { SerialNumber: 'x', Base32StringSeed: seed } }),
    /field 'VirtualMFADevice' of its JSON object is a JSON object, too; store the seed as a string in the outer object/,
    'VirtualMFADevice',
  ],
  [
    'nested JSON as text',
    (seed) => JSON.stringify({ mfa: JSON.stringify({ seed }) }),
    /field 'mfa' of its JSON object is a JSON object, too; store the seed as a string in the outer object/,
    'mfa',
  ],
  ['JSON with single quotes', (seed) => `{'seed': '${seed}'}`, /not a valid JSON object; store a JSON object/],
  ['JSON with single quotes, with a field', (seed) => `{'seed': '${seed}'}`, /not a valid JSON object/, 'seed'],
  ['a JSON array', (seed) => JSON.stringify([seed]), /not a valid JSON object/],
  ['another URI', (seed) => `https://example.com/?secret=${seed}`, /a URI of another kind than otpauth:\/\/totp\//],
  ['a code of six digits', () => '234567', /a code of six digits/],
  ['a code of six digits that are not all Base32', () => '189034', /a code of six digits/],
  ['the image of a QR code', (seed) => `\uFFFDPNG\r\n${seed}`, /an image; store the text that its QR code shows/],
  ['UTF-16', (seed) => `\uFFFD\uFFFD${[...seed].join('\0')}\0`, /UTF-16; store it as UTF-8/],
  ['UTF-16 with a field', (seed) => `\uFFFD\uFFFD${[...`{"seed":"${seed}"}`].join('\0')}\0`, /UTF-16/, 'seed'],
  ['hexadecimal', () => Buffer.from(bytes).toString('hex'), /hexadecimal; store its bytes as Base32/],
  [
    'hexadecimal that begins like Base32',
    () => Buffer.from(bytes).reverse().toString('hex'),
    /hexadecimal; store its bytes as Base32/,
  ],
];

test.each(MISTAKES)('says what it is and what to do: %s', (...[, write, sentence, field]) => {
  expect(problemOf(write(base32), field)).toMatch(sentence);
  expect(problemOf(` \uFEFF${write(base32)}\n`, field)).toMatch(sentence);
});

describe('for any seed of 16 to 64 bytes', () => {
  const seeds = fc.uint8Array({ minLength: 16, maxLength: 64 });
  const between = fc.array(fc.constantFrom('', '', '', ' ', '-', '\t', '\r\n', '\u00a0', '\u200b', '\u2013'), {
    minLength: 104,
    maxLength: 104,
  });
  const around = fc.constantFrom('', ' ', '\n', '\r\n', '\uFEFF', '\u00a0');
  /** A text in upper or lower case, in groups, with padding. */
  const spelled = fc
    .tuple(seeds, fc.boolean(), between, fc.nat(6), around, around)
    .map(([seed, isLower, gaps, padding, before, after]) => {
      const text = new ScureBase32Plugin().encode(seed);
      const grouped = [...(isLower ? text.toLowerCase() : text)].map((each, index) => each + gaps[index]).join('');
      return { seed, text: `${before}${grouped}${'='.repeat(padding)}${after}` };
    });
  /** In any order, each as apps write it, or absent. */
  const parameters = fc
    .tuple(
      fc.constantFrom('algorithm=SHA1', 'Algorithm=SHA-1', 'algorithm=Algorithm.sha1', 'algorithm=', ''),
      fc.constantFrom('digits=6', 'DIGITS=6', 'digits=', ''),
      fc.constantFrom('period=30', 'period=', ''),
      fc.constantFrom('issuer=Amazon%20Web%20Services', 'image=https%3A%2F%2Fexample.com', ''),
    )
    .chain((all) => fc.shuffledSubarray(all.filter((each) => each !== '')));

  test('every way to write it as Base32 gives this seed, alone or in a field', () => {
    fc.assert(
      fc.property(spelled, fc.string(), around, ({ seed, text }, field, before) => {
        expect(seedOf(text)).toEqual(seed);
        expect(seedOf(before + JSON.stringify({ [field]: text }), field)).toEqual(seed);
      }),
      { seed: 1 },
    );
  });

  test('every otpauth URI of TOTP with SHA1, six digits and 30 seconds gives this seed, alone or in a field', () => {
    fc.assert(
      fc.property(spelled, parameters, fc.nat(4), around, ({ seed, text }, others, place, before) => {
        const all: string[] = [...others];
        all.splice(place, 0, `secret=${encodeURIComponent(text)}`);
        const uri = `${before}otpauth://totp/AWS:alice?${all.join('&')}`;
        expect(seedOf(uri)).toEqual(seed);
        expect(seedOf(JSON.stringify({ uri }), 'uri')).toEqual(seed);
      }),
      { seed: 1 },
    );
  });

  test.each(MISTAKES.filter(([what]) => !/digits|hexadecimal/.test(what)))(
    'the sentence says what it is, and quotes nothing: %s',
    (...[, write, sentence, field]) => {
      fc.assert(
        fc.property(seeds, around, (seed, before) => {
          const text = new ScureBase32Plugin().encode(seed);
          // The Base64 of many equal bytes can be Base32, too.
          fc.pre(!/^[A-Z2-7]*=*$/i.test(Buffer.from(text).toString('base64')));
          const problem = problemOf(before + write(text), field);
          expect(problem).toMatch(sentence);
          expect(problem).not.toContain(text.slice(0, 8));
        }),
        { seed: 1 },
      );
    },
  );
});

describe('refusing a secret takes time in proportion to its length', () => {
  const LENGTH = 65_536;

  test.each([
    ['one letter and =', `A${'='.repeat(LENGTH - 2)}A`],
    ['only =', '='.repeat(LENGTH)],
    ['one letter', 'A'.repeat(LENGTH - 1)],
    ['one digit of Base32', '2'.repeat(LENGTH - 1)],
    ['letters and = in turns', 'A='.repeat(LENGTH / 2)],
    ['white space', `${' '.repeat(LENGTH - 1)}!`],
    ['the beginning of a JSON object', '{'.repeat(LENGTH)],
    ['quotes', '"'.repeat(LENGTH)],
    ['hexadecimal', `${'a1'.repeat(LENGTH / 2 - 1)}x`],
    ['the beginning of a URI', `${'a'.repeat(LENGTH - 3)}://`],
  ])('64 kB of %s are refused', (_what, text) => {
    expect(problemOf(text)).toMatch(/;/);
    expect(problemOf(text, 'seed')).toMatch(/;/);
    expect(problemOf(JSON.stringify({ seed: text }), 'seed')).toMatch(/;/);
  });
});

test('an error never quotes the secret', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 12 }), fc.option(fc.constant('seed'), { nil: undefined }), (text, field) => {
      const secret = `${text}#never-shown#`;
      expect(problemOf(secret, field)).not.toContain('never-shown');
      expect(inspect(new SecretText(secret), { showHidden: true })).not.toContain('never-shown');
    }),
    { seed: 1 },
  );
  expect(problemOf(`${base32}A`)).not.toContain(base32.slice(0, 8));
  expect(problemOf(`otpauth://totp/x?secret=${base32}&digits=${base32}`)).not.toContain(base32.slice(0, 8));
});

describe('a mistake is recognized only where it stands', () => {
  test.each<[string, string, RegExp]>([
    ['an export of Google Authenticator', 'see otpauth-migration://offline', /an export/],
    ['an image', 'my data:image/png', /an image/],
    ['an entry of a password manager, by its beginning', 'my key=abc', /password manager/],
    ['an entry of a password manager, by its end', 'abc;30;6 and more', /password manager/],
    ['Base64 of Base32, by its beginning', Buffer.from(`? ${base32}`).toString('base64'), /is Base64/],
    ['Base64 of Base32, by its end', Buffer.from(`${base32}!`).toString('base64'), /is Base64/],
    ['hexadecimal', `${'0189abcdef'.repeat(4)}zz`, /hexadecimal/],
  ])('%s', (_, text, mistake) => {
    expect(problemOf(text)).not.toMatch(mistake);
  });

  test('an entry of a password manager is told what to store', () => {
    const expected = 'it is an entry of a password manager, with its settings; store its key alone';
    expect(problemOf(`key=${base32}`)).toBe(expected);
    expect(problemOf(`${base32};30;6`)).toBe(expected);
  });
});
