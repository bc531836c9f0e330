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

/** The seed in a secret's text; with `field`, under that key of a JSON object. */
export function parseSeed(secret: SecretText, field?: string): Seed {
  const text = field === undefined ? wholeOf(secret) : fieldOf(secret, field);
  return new Seed(decodeBase32(/^\s*otpauth:/i.test(text) ? seedOfUri(text.trim()) : text));
}

function wholeOf(secret: SecretText): string {
  const text = secret.reveal();
  if (parseObject(text) !== undefined) {
    throw new NotASeedError('it is a JSON object', NAME_THE_KEY);
  }
  return text;
}

function fieldOf(secret: SecretText, field: string): string {
  const object = parseObject(secret.reveal());
  if (object === undefined) {
    throw new NotASeedError(
      `it is not a JSON object, so it has no field ${quoted(field)}`,
      "leave out 'seedSecretField' if the whole secret is the seed, or store a JSON object that has this key",
    );
  }
  if (!Object.hasOwn(object, field)) {
    throw new NotASeedError(`its JSON object has no field ${quoted(field)}`, NAME_THE_KEY);
  }
  const value = object[field];
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

/**
 * The Base32 text in a provisioning URI. AWS judges SHA1, six digits and 30 seconds; other parameters would yield
 * codes that it never accepts.
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
    [...searchParams].find(([key]) => key.toLowerCase() === name)?.[1];
  for (const [name, needed] of [
    ['algorithm', 'SHA1'],
    ['digits', '6'],
    ['period', '30'],
  ] as const) {
    if ((parameter(name) ?? needed).toUpperCase() !== needed) {
      throw new NotASeedError(`its otpauth URI has another '${name}' than ${needed}, the only one that AWS knows`);
    }
  }
  const secret = parameter('secret');
  if (secret === undefined) {
    throw new NotASeedError("its otpauth URI has no parameter 'secret'");
  }
  return secret;
}

function decodeBase32(text: string): Uint8Array {
  const bare = text.replace(/[\s-]/g, '').replace(/=+$/, '').toUpperCase();
  if (bare === '') {
    throw new NotASeedError('it is empty');
  }
  if (!/^[A-Z2-7]+$/.test(bare)) {
    throw new NotASeedError('it is not Base32: expected the letters A to Z and the digits 2 to 7, as IAM shows a seed');
  }
  const bytes = decode(bare);
  if (bytes.length < SHORTEST || bytes.length > LONGEST) {
    throw new NotASeedError(
      `its seed has ${bytes.length} bytes: expected ${SHORTEST} to ${LONGEST} (a seed of IAM has 40, which are 64 characters of Base32)`,
    );
  }
  return bytes;
}

function decode(base32: string): Uint8Array {
  try {
    return new ScureBase32Plugin().decode(base32);
  } catch {
    // The error quotes the text.
    throw new NotASeedError(
      `its ${base32.length} characters are not a whole number of bytes in Base32: some are missing or too many`,
    );
  }
}
