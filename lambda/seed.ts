import { ScureBase32Plugin } from 'otplib';
import { quoted } from '../lib/checks';

/** Bytes of a seed: RFC 4226 asks for 16 at least; AWS makes 40. https://datatracker.ietf.org/doc/html/rfc4226#section-4 */
const SHORTEST = 16;
const LONGEST = 64;

const NAME_THE_KEY = "name the key that holds the seed in 'seedSecretField', and leave the rest of the secret as it is";

/** Text that holds a seed. It leaves this object only through `reveal`, never by being printed. */
export class SecretText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }
}

/** The key that a virtual MFA device shares with IAM. Its bytes leave this object only through `reveal`. */
export class Seed {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  reveal(): Uint8Array {
    return this.#bytes;
  }
}

/** The secret holds no seed. The message says why and quotes nothing of what it holds. */
export class NotASeedError extends Error {
  override readonly name = 'NotASeedError';

  constructor(
    message: string,
    /** What to do about it. */
    readonly next = "name a secret that holds this device's seed, as Base32 text or as an otpauth://totp/ URI",
  ) {
    super(message);
  }
}

/**
 * What people store in place of a seed: how its text begins or looks, what it is, and what to do about it. No pattern can
 * match a seed.
 */
const MISTAKES: readonly (readonly [looks: RegExp, what: string, next?: string])[] = [
  [
    /^otpauth-migration:/i,
    'it is an export of Google Authenticator (otpauth-migration://)',
    "decode the export, and store this device's seed alone",
  ],
  [/^b?["'“‘`]/, 'it is in quotes', 'store it without quotes'],
  [/^[[{]/, 'it is not a valid JSON object', 'store a JSON object, or the seed alone'],
  [/^(?!otpauth:)[a-z][a-z\d+.-]*:\/\//i, 'it is a URI of another kind than otpauth://totp/'],
  [/^\d{6}$/, 'it is a code of six digits'],
  [/^(?:.PNG|iVBORw0KGgo|data:image)/, 'it is an image', 'store the text that its QR code shows'],
  [/^key=|;\d\d;\d$/, 'it is an entry of a password manager, with its settings', 'store its key alone'],
  [/\0/, 'it is UTF-16', 'store it as UTF-8'],
];

/** The seed in a secret's text; with `field`, under that key of a JSON object. */
export function parseSeed(secret: SecretText, field?: string): Seed {
  // What is trimmed includes a byte order mark.
  const whole = secret.reveal().trim();
  const text = field === undefined ? wholeOf(whole) : fieldOf(whole, field).trim();
  return new Seed(decodeBase32(/^otpauth:/i.test(text) ? seedOfUri(text) : text));
}

function wholeOf(text: string): string {
  if (parseObject(text) !== undefined) {
    throw new NotASeedError('it is a JSON object', NAME_THE_KEY);
  }
  return text;
}

function fieldOf(text: string, field: string): string {
  const object = parseObject(text);
  if (object === undefined) {
    throw (
      mistakeIn(text) ??
      new NotASeedError(
        `it is not a JSON object, so it has no field ${quoted(field)}`,
        "leave out 'seedSecretField' if the whole secret is the seed, or store a JSON object that has this key",
      )
    );
  }
  if (!Object.hasOwn(object, field)) {
    throw new NotASeedError(`its JSON object has no field ${quoted(field)}`, NAME_THE_KEY);
  }
  const value = object[field];
  if (parseObject(typeof value === 'string' ? value : JSON.stringify(value)) !== undefined) {
    throw new NotASeedError(
      `field ${quoted(field)} of its JSON object is a JSON object, too`,
      "store the seed as a string in the outer object, because 'seedSecretField' names a key of that one",
    );
  }
  if (typeof value !== 'string') {
    throw new NotASeedError(`field ${quoted(field)} of its JSON object is not a string`, NAME_THE_KEY);
  }
  return value;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    // The error would quote the text.
    return undefined;
  }
}

function mistakeIn(text: string): NotASeedError | undefined {
  const [, what, next] = MISTAKES.find(([looks]) => looks.test(text)) ?? [];
  return what === undefined ? undefined : new NotASeedError(what, next);
}

/**
 * The parameters of a provisioning URI that AWS knows one value of, in the ways in which apps write it; others would
 * yield codes that it never accepts.
 */
const PARAMETERS = [
  ['algorithm', /^(?:algorithm\.)?(?:hmac)?[-_]?sha[-_]?1$/i, 'SHA1'],
  ['digits', /^6$/, '6'],
  ['period', /^30$/, '30'],
] as const;

/**
 * The Base32 text in a provisioning URI. An empty parameter means the default.
 * https://github.com/google/google-authenticator/wiki/Key-Uri-Format
 */
function seedOfUri(uri: string): string {
  if (!URL.canParse(uri)) {
    throw new NotASeedError(
      "it begins with 'otpauth:' but is not a valid URI: expected 'otpauth://totp/...?secret=...'",
    );
  }
  const { host, searchParams } = new URL(uri);
  if (host.toLowerCase() !== 'totp') {
    throw new NotASeedError("its otpauth URI is not of type 'totp', the only one that AWS knows");
  }
  const parameter = (name: string): string | undefined =>
    [...searchParams].find(([key]) => key.toLowerCase() === name)?.[1].trim();
  for (const [name, known, value] of PARAMETERS) {
    if (!known.test(parameter(name) || value)) {
      throw new NotASeedError(`its otpauth URI has another '${name}' than ${value}, the only one that AWS knows`);
    }
  }
  const secret = parameter('secret');
  if (!secret) {
    throw new NotASeedError("its otpauth URI has no parameter 'secret'");
  }
  return secret;
}

/** Takes time in proportion to the text, whatever it holds. */
function decodeBase32(text: string): Uint8Array {
  // White space, hyphens and dashes, and characters that nobody sees.
  const bare = text.replace(/[\s\p{Pd}\p{Cf}]/gu, '');
  if (bare === '') {
    throw new NotASeedError('it is empty');
  }
  const [, base32 = ''] = /^([A-Z2-7]+)(?:=|%3D)*$/i.exec(bare) ?? [];
  const bytes = decode(base32.toUpperCase());
  if (bytes !== undefined && bytes.length >= SHORTEST && bytes.length <= LONGEST) {
    return bytes;
  }
  throw mistakeIn(text) ?? encodedOtherwise(bare) ?? new NotASeedError(problemOf(base32.length, bytes?.length));
}

function problemOf(characters: number, bytes: number | undefined): string {
  if (characters === 0) {
    return 'it is not Base32: expected the letters A to Z and the digits 2 to 7, as IAM shows a seed';
  }
  return bytes === undefined
    ? `its ${characters} characters are not a whole number of bytes in Base32: some are missing or too many`
    : `its seed has ${bytes} bytes: expected ${SHORTEST} to ${LONGEST} (a seed of IAM has 40, which are 64 characters of Base32)`;
}

function encodedOtherwise(bare: string): NotASeedError | undefined {
  const decoded = Buffer.from(bare, 'base64').toString('latin1');
  if (/^[A-Z2-7]{26,}=*$/.test(decoded)) {
    return new NotASeedError("it is Base64 of the Base32 text, as IAM's API returns it", 'store what it decodes to');
  }
  return /^[2-7a-f]*[0189][\da-f]{16,}$/i.test(bare)
    ? new NotASeedError('it is hexadecimal', 'store its bytes as Base32')
    : undefined;
}

function decode(base32: string): Uint8Array | undefined {
  try {
    return new ScureBase32Plugin().decode(base32);
  } catch {
    // The error quotes the text.
    return undefined;
  }
}
