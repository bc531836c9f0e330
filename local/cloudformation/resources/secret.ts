import { isDeepStrictEqual } from 'node:util';
import type { Random } from '../../lambda/uuid';
import { physicalName } from '../identifiers';
import type { JsonObject } from '../json';
import { objectList, objectOf, optionalNumber, optionalText, rejectUnknown } from './properties';
import type { PhysicalResource, ResourceProvider } from './provider';
import { ignoringErrors, type Service } from './service';

const LOWERCASE = 'abcdefghijklmnopqrstuvwxyz';
const UPPERCASE = LOWERCASE.toUpperCase();
const NUMBERS = '0123456789';
const PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';
const GENERATE_PROPERTIES = [
  'ExcludeCharacters',
  'ExcludeLowercase',
  'ExcludeNumbers',
  'ExcludePunctuation',
  'ExcludeUppercase',
  'GenerateStringKey',
  'IncludeSpace',
  'PasswordLength',
  'RequireEachIncludedType',
  'SecretStringTemplate',
];

/** `AWS::SecretsManager::Secret` with a given value, a generated value, or none. Another name requires replacement. */
export function secret(secretsManager: Service, random: Random): ResourceProvider {
  return {
    properties: ['Name', 'Description', 'SecretString', 'GenerateSecretString', 'KmsKeyId', 'Tags'],
    attributes: ['Id'],
    replacedBy: ['Name'],
    async create(properties, { stackId, stackName, logicalId }) {
      const name = optionalText(properties, 'Name') ?? physicalName(stackName, logicalId, random);
      const input = {
        Description: optionalText(properties, 'Description'),
        KmsKeyId: optionalText(properties, 'KmsKeyId'),
        Tags: [
          ...objectList(properties, 'Tags'),
          { Key: 'aws:cloudformation:stack-name', Value: stackName },
          { Key: 'aws:cloudformation:stack-id', Value: stackId },
          { Key: 'aws:cloudformation:logical-id', Value: logicalId },
        ],
        SecretString: valueOf(properties, random),
      };
      const { ARN: arn } = (await secretsManager.call('CreateSecret', {
        Name: name,
        ...Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)),
      })) as { ARN: string };
      return physicalResource(arn);
    },
    async update({ physicalId }, properties, before) {
      for (const property of ['Description', 'KmsKeyId']) {
        if (isDeepStrictEqual(properties[property], before[property])) {
          continue;
        }
        throw new Error(`Update of property ${property} is not supported locally`);
      }
      const [tags, tagsBefore] = [objectList(properties, 'Tags'), objectList(before, 'Tags')];
      const removed = tagsBefore.map(({ Key }) => Key).filter((key) => !tags.some(({ Key }) => Key === key));
      if (removed.length > 0) {
        await secretsManager.call('UntagResource', { SecretId: physicalId, TagKeys: removed });
      }
      if (tags.length > 0) {
        await secretsManager.call('TagResource', { SecretId: physicalId, Tags: tags });
      }
      // The value is written only if its declaration changed. A generated value is generated only once.
      const declarations = ['SecretString', 'GenerateSecretString'];
      if (declarations.every((property) => isDeepStrictEqual(properties[property], before[property]))) {
        return physicalResource(physicalId);
      }
      const value = valueOf(properties, random);
      if (value !== undefined) {
        await secretsManager.call('PutSecretValue', { SecretId: physicalId, SecretString: value });
      }
      return physicalResource(physicalId);
    },
    async delete({ physicalId }) {
      // CloudFormation deletes without a recovery window, and does not wait until the secret is gone.
      await ignoringErrors(['ResourceNotFoundException', 'InvalidRequestException'], () =>
        secretsManager.call('DeleteSecret', { SecretId: physicalId, ForceDeleteWithoutRecovery: true }),
      );
    },
  };
}

function physicalResource(arn: string): PhysicalResource {
  return { physicalId: arn, attributes: { Id: arn } };
}

function valueOf(properties: JsonObject, random: Random): string | undefined {
  if (properties.GenerateSecretString === undefined) {
    return optionalText(properties, 'SecretString');
  }
  if (properties.SecretString !== undefined) {
    throw new Error('Only one of SecretString and GenerateSecretString may be given');
  }
  const options = objectOf(properties, 'GenerateSecretString');
  rejectUnknown(options, GENERATE_PROPERTIES, 'GenerateSecretString');
  const password = passwordOf(options, random);
  const key = optionalText(options, 'GenerateStringKey');
  if (key === undefined) {
    return password;
  }
  const template = JSON.parse(optionalText(options, 'SecretStringTemplate') ?? '{}') as JsonObject;
  return JSON.stringify({ ...template, [key]: password });
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html */
function passwordOf(options: JsonObject, random: Random): string {
  const isTrue = (property: string) => String(optionalText(options, property)) === 'true';
  const excluded = optionalText(options, 'ExcludeCharacters') ?? '';
  const types = [
    isTrue('ExcludeLowercase') ? '' : LOWERCASE,
    isTrue('ExcludeUppercase') ? '' : UPPERCASE,
    isTrue('ExcludeNumbers') ? '' : NUMBERS,
    isTrue('ExcludePunctuation') ? '' : PUNCTUATION,
    isTrue('IncludeSpace') ? ' ' : '',
  ]
    .map((letters) => [...letters].filter((letter) => !excluded.includes(letter)))
    .filter((letters) => letters.length > 0);
  const length = optionalNumber(options, 'PasswordLength') ?? 32;
  const pick = (letters: readonly string[]) => letters[random(2).readUInt16BE() % letters.length] ?? '';
  // Starts with one character of each type, whether required or not, for simplicity.
  return Array.from({ length }, (_, index) => pick(types[index] ?? types.flat())).join('');
}
