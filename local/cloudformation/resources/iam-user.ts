import type { Random } from '../../lambda/uuid';
import { physicalName } from '../identifiers';
import { optionalText } from './properties';
import type { PhysicalResource, ResourceProvider } from './provider';
import { ignoringErrors, type Service } from './service';

/** `AWS::IAM::User`. Another name requires replacement; another path is an update in place. */
export function iamUser(iam: Service, random: Random): ResourceProvider {
  const read = async (userName: string): Promise<PhysicalResource> => {
    const { User: user } = (await iam.call('GetUser', { UserName: userName })) as { User: { Arn: string } };
    return { physicalId: userName, attributes: { Arn: user.Arn } };
  };
  return {
    properties: ['UserName', 'Path'],
    attributes: ['Arn'],
    replacedBy: ['UserName'],
    async create(properties, { stackName, logicalId }) {
      const userName = optionalText(properties, 'UserName') ?? physicalName(stackName, logicalId, random);
      const path = optionalText(properties, 'Path');
      const { User: user } = (await iam.call('CreateUser', {
        UserName: userName,
        ...(path !== undefined && { Path: path }),
      })) as { User: { Arn: string } };
      return { physicalId: userName, attributes: { Arn: user.Arn } };
    },
    async update({ physicalId }, properties) {
      await iam.call('UpdateUser', { UserName: physicalId, NewPath: optionalText(properties, 'Path') ?? '/' });
      return read(physicalId);
    },
    async delete({ physicalId }) {
      await ignoringErrors(['NoSuchEntity'], () => iam.call('DeleteUser', { UserName: physicalId }));
    },
  };
}
