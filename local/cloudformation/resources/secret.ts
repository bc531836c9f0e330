import { isDeepStrictEqual } from 'node:util';
import type { Random } from '../../lambda/uuid';
import { physicalName } from '../identifiers';
import type { JsonObject } from '../json';
import { objectList, objectOf, optionalNumber, optionalText, refuseUnknown } from './properties';
import type { Made, ResourceProvider } from './provider';
import { unless, type Service } from './service';

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

/** `AWS::SecretsManager::Secret`: given, generated, or without a value. Another name is another secret. */
export function secret(secretsManager: Service, random: Random): ResourceProvider {
  return {
    properties: ['Name', 'Description', 'SecretString', 'GenerateSecretString', 'KmsKeyId', 'Tags'],
    attributes: ['Id'],
    async create(properties, { stackName, logicalId }) {
      const name = optionalText(properties, 'Name') ?? physicalName(stackName, logicalId, random);
      const input = {
        Description: optionalText(properties, 'Description'),
        KmsKeyId: optionalText(properties, 'KmsKeyId'),
        Tags: properties.Tags === undefined ? undefined : objectList(properties, 'Tags'),
        SecretString: valueOf(properties, random),
      };
      const { ARN: arn } = (await secretsManager.call('CreateSecret', {
        Name: name,
        ...Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)),
      })) as { ARN: string };
      return made(arn);
    },
    async update({ physicalId }, properties, before) {
      if (properties.Name !== before.Name) {
        return 'replace';
      }
      for (const property of ['Description', 'KmsKeyId']) {
        if (isDeepStrictEqual(properties[property], before[property])) {
          continue;
        }
        throw new Error(`Update of property ${property} is not supported locally`);
      }
      const [tags, tagsBefore] = [objectList(properties, 'Tags'), objectList(before, 'Tags')];
      const gone = tagsBefore.map(({ Key }) => Key).filter((key) => !tags.some(({ Key }) => Key === key));
      if (gone.length > 0) {
        await secretsManager.call('UntagResource', { SecretId: physicalId, TagKeys: gone });
      }
      if (tags.length > 0) {
        await secretsManager.call('TagResource', { SecretId: physicalId, Tags: tags });
      }
      // A value is written where the template has another one; one that is generated is generated once.
      const given = ['SecretString', 'GenerateSecretString'];
      if (given.every((property) => isDeepStrictEqual(properties[property], before[property]))) {
        return made(physicalId);
      }
      const value = valueOf(properties, random);
      if (value !== undefined) {
        await secretsManager.call('PutSecretValue', { SecretId: physicalId, SecretString: value });
      }
      return made(physicalId);
    },
    async delete({ physicalId }) {
      // CloudFormation leaves no recovery window: the name is free at once.
      await unless(['ResourceNotFoundException'], () =>
        secretsManager.call('DeleteSecret', { SecretId: physicalId, ForceDeleteWithoutRecovery: true }),
      );
    },
  };
}

function made(arn: string): Made {
  return { physicalId: arn, attributes: { Id: arn } };
}

function valueOf(properties: JsonObject, random: Random): string | undefined {
  if (properties.GenerateSecretString === undefined) {
    return optionalText(properties, 'SecretString');
  }
  if (properties.SecretString !== undefined) {
    throw new Error('Only one of SecretString and GenerateSecretString may be given');
  }
  const wanted = objectOf(properties, 'GenerateSecretString');
  refuseUnknown(wanted, GENERATE_PROPERTIES, 'GenerateSecretString');
  const password = passwordOf(wanted, random);
  const key = optionalText(wanted, 'GenerateStringKey');
  if (key === undefined) {
    return password;
  }
  const template = JSON.parse(optionalText(wanted, 'SecretStringTemplate') ?? '{}') as JsonObject;
  return JSON.stringify({ ...template, [key]: password });
}

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html */
function passwordOf(wanted: JsonObject, random: Random): string {
  const says = (property: string) => String(optionalText(wanted, property)) === 'true';
  const excluded = optionalText(wanted, 'ExcludeCharacters') ?? '';
  const types = [
    says('ExcludeLowercase') ? '' : LOWERCASE,
    says('ExcludeUppercase') ? '' : UPPERCASE,
    says('ExcludeNumbers') ? '' : NUMBERS,
    says('ExcludePunctuation') ? '' : PUNCTUATION,
    says('IncludeSpace') ? ' ' : '',
  ]
    .map((letters) => [...letters].filter((letter) => !excluded.includes(letter)))
    .filter((letters) => letters.length > 0);
  const length = optionalNumber(wanted, 'PasswordLength') ?? 32;
  const pick = (letters: readonly string[]) => letters[random(2).readUInt16BE() % letters.length] ?? '';
  // One of each type first, whether required or not: that is a random password too.
  return Array.from({ length }, (_, index) => pick(types[index] ?? types.flat())).join('');
}
