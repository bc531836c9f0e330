import type { Iam } from '../../lambda/aws/ports';
import type { CustomResourceEvent, Shell } from '../../lambda/protocol';

/** Wraps the function's ports. */
export type Wrap = (shell: Shell, event: CustomResourceEvent) => Shell;

/** Wraps the ports only for resources of one type. */
export function ofType(resourceType: string, wrap: Wrap): Wrap {
  return (shell, event) => (event.ResourceType === resourceType ? wrap(shell, event) : shell);
}

/** Replaces some of the calls to IAM. */
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

/** Hides the claims of other resources. */
export function seeingItsOwnClaimOnly(shell: Shell, event: CustomResourceEvent): Shell {
  return withIam(shell, (iam) => ({
    listMFADeviceTags: async (serialNumber) =>
      (await iam.listMFADeviceTags(serialNumber)).filter(({ key }) => key.endsWith(`/${event.LogicalResourceId}`)),
  }));
}
