import { generateKeyPairSync, sign } from 'node:crypto';

/**
 * Creates a key and a self-signed certificate for `localhost`, so that the repository contains no private key.
 *
 * @see https://datatracker.ietf.org/doc/html/rfc5280#section-4.1
 */
export function selfSignedIdentity(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(element(OBJECT_IDENTIFIER, Buffer.from('2a8648ce3d040302', 'hex')));
  const commonName = element(OBJECT_IDENTIFIER, Buffer.from('550403', 'hex'));
  const name = sequence(element(SET, sequence(commonName, element(UTF8_STRING, Buffer.from('localhost')))));
  const toBeSigned = sequence(
    element(INTEGER, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    sequence(element(UTC_TIME, Buffer.from('000101000000Z')), element(UTC_TIME, Buffer.from('491231235959Z'))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const certificate = sequence(toBeSigned, ecdsaWithSha256, bitString(sign('sha256', toBeSigned, privateKey)));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`,
  };
}

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;

function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return element(SEQUENCE, Buffer.concat(parts));
}

function bitString(content: Buffer): Buffer {
  return element(BIT_STRING, Buffer.concat([Buffer.from([0]), content]));
}
