import { withoutSeed } from '../lib/checks';
import { type DeviceProperties, type EnrollmentProperties } from '../lib/contract';

type Properties = Readonly<Record<string, unknown>>;

/** The properties of an enrollment; what is no text is read as none. */
export function enrollmentProperties(properties: Properties): EnrollmentProperties {
  return {
    UserName: textIn(properties, 'UserName') ?? '',
    SerialNumber: serialNumberIn(properties),
    SeedSecretArn: textIn(properties, 'SeedSecretArn') ?? '',
    SeedSecretField: textIn(properties, 'SeedSecretField'),
    AdoptExisting: textIn(properties, 'AdoptExisting'),
  };
}

/** The properties of a device; what is no text is read as none. */
export function deviceProperties(properties: Properties): DeviceProperties {
  const tags: readonly unknown[] = Array.isArray(properties.Tags) ? properties.Tags : [];
  return {
    SerialNumber: serialNumberIn(properties),
    SeedSecretArn: textIn(properties, 'SeedSecretArn') ?? '',
    Tags: tags.map((tag) => ({
      Key: textIn(Object(tag) as Properties, 'Key') ?? '',
      Value: textIn(Object(tag) as Properties, 'Value') ?? '',
    })),
  };
}

function textIn(properties: Properties, name: string): string | undefined {
  const value = properties[name];
  return typeof value === 'string' ? value : undefined;
}

/** What looks like a seed goes no further, neither into a log nor an answer. */
function serialNumberIn(properties: Properties): string {
  return withoutSeed(textIn(properties, 'SerialNumber') ?? '');
}
