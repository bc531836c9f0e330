import type { Iam } from '../../lambda/aws/ports';
import type { CustomResourceEvent, Shell } from '../../lambda/protocol';

/** What stands between the function and its ports. */
export type Wrap = (shell: Shell, event: CustomResourceEvent) => Shell;

/** Stands there in requests about resources of one type only. */
export function ofType(resourceType: string, wrap: Wrap): Wrap {
  return (shell, event) => (event.ResourceType === resourceType ? wrap(shell, event) : shell);
}

/** The shell with some calls of IAM changed. */
export function withIam(shell: Shell, change: (iam: Iam) => Partial<Iam>): Shell {
  const { iam } = shell;
  const unchanged: Iam = {
    awsTime: () => iam.awsTime(),
    listMFADevices: (...args) => iam.listMFADevices(...args),
    listMFADeviceTags: (...args) => iam.listMFADeviceTags(...args),
    tagMFADevice: (...args) => iam.tagMFADevice(...args),
    untagMFADevice: (...args) => iam.untagMFADevice(...args),
    enableMFADevice: (...args) => iam.enableMFADevice(...args),
    resyncMFADevice: (...args) => iam.resyncMFADevice(...args),
    deactivateMFADevice: (...args) => iam.deactivateMFADevice(...args),
    createVirtualMFADevice: (...args) => iam.createVirtualMFADevice(...args),
    deleteVirtualMFADevice: (...args) => iam.deleteVirtualMFADevice(...args),
  };
  return { ...shell, iam: { ...unchanged, ...change(iam) } };
}

/** In a Delete, whoever else claims the device is overlooked. */
export function seeingItsOwnClaimOnly(shell: Shell, event: CustomResourceEvent): Shell {
  return withIam(shell, (iam) => ({
    listMFADeviceTags: async (serialNumber) =>
      (await iam.listMFADeviceTags(serialNumber)).filter(({ key }) => key.endsWith(`/${event.LogicalResourceId}`)),
  }));
}
