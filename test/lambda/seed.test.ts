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
])('reads %s', (...[, text, field]) => {
  expect(seedOf(text, field)).toEqual(bytes);
});

test.each([16, 64])('reads a seed of %i bytes, which is exactly at the limit', (length) => {
  expect(seedOf(spell(length))).toHaveLength(length);
});

test('reads any 16 to 64 bytes in Base32', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 64 }), (any) => {
      expect(seedOf(new ScureBase32Plugin().encode(any))).toEqual(any);
    }),
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
  ['a field of a JSON string', '"seed"', /not a JSON object/, 'length'],
  ['a field of a JSON array', '[]', /not a JSON object/, '0'],
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

test('an error never quotes the secret', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 12 }), fc.option(fc.constant('seed'), { nil: undefined }), (text, field) => {
      const secret = `${text}#never-shown#`;
      expect(problemOf(secret, field)).not.toContain('never-shown');
      expect(inspect(new SecretText(secret), { showHidden: true })).not.toContain('never-shown');
    }),
  );
  expect(problemOf(`${base32}A`)).not.toContain(base32.slice(0, 8));
  expect(problemOf(`otpauth://totp/x?secret=${base32}&digits=${base32}`)).not.toContain(base32.slice(0, 8));
});
