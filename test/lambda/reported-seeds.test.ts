import { SecretText } from '../../lambda/aws/ports';
import { parseSeed } from '../../lambda/seed';

const bytesOf = (text: string) => Buffer.from(parseSeed(new SecretText(text)).reveal()).toString('hex');

/** 52 characters, not a multiple of eight: https://github.com/keepassxreboot/keepassxc/issues/3825, keys no longer in use. */
const KEY = '5FT7WWLR3OWA26NWZ6DFCRLM3NGEWVUE7ZYWFMGCWBGJ7K3IEWDA';
const URI = 'otpauth://totp/Amazon:alice@example.com?algorithm=SHA1&digits=6&period=30&issuer=Amazon&secret=';

test.each([
  // https://github.com/Authenticator-Extension/Authenticator/issues/95
  ['a key whose length is not a multiple of eight, without padding', KEY],
  ['the same key with padding', `${KEY}====`],
  // https://github.com/paolostivanin/OTPClient/issues/328
  ['the same key in groups, in lower case', KEY.toLowerCase().replace(/(.{4})/g, '$1 ')],
  // https://github.com/keeweb/keeweb/issues/2031
  ['a URI with percent-encoded padding', `${URI}${KEY}%3D%3D%3D%3D`],
  ['the same key copied out of a URI, with percent-encoded padding', `${KEY}%3D%3D%3D%3D`],
  ['a URI with bare padding', `${URI}${KEY}====`],
])('%s is one seed of 32 bytes', (_what, text) => {
  expect(bytesOf(text)).toBe(bytesOf(KEY));
  expect(bytesOf(text)).toHaveLength(64);
});

// https://github.com/Nitrokey/nitrokey-app/issues/280
test('a key in groups of lower-case letters, without padding, is a seed', () => {
  expect(bytesOf('foci mzle sxw2 oxnw bnvk digw ju')).toHaveLength(32);
});

test.each([
  // https://github.com/keepassium/KeePassium/issues/101
  ['a URI of five-digit codes', `${URI.replace('digits=6', 'digits=5')}${KEY}&encoder=steam`, /'digits'/],
  // https://github.com/Authenticator-Extension/Authenticator/issues/1546
  ['a key that lost characters', 'J3WWIV3PTGJPQV5QAICM====', /20 characters are not a whole number of bytes/],
  // https://github.com/pulumi/pulumi-aws/issues/2239
  ["the image that IAM's API returns, in Base64", `iVBORw0KGgo${KEY}`, /it is an image/],
  // The formats of two plugins of KeePass.
  ['the key with its settings', `key=${KEY}&step=30&size=6`, /an entry of a password manager/],
  ['the key with its period and its digits', `${KEY};30;6`, /an entry of a password manager/],
])('%s is refused with its reason, which does not quote it', (_what, text, reason) => {
  expect(() => bytesOf(text)).toThrow(reason);
  expect(() => bytesOf(text)).not.toThrow(/5FT7|J3WW/);
});
