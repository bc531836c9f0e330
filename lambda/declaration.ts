/** Where a resource is declared. */
export interface Declaration {
  readonly logicalId: string;
  readonly stackName: string;
  readonly stackUuid: string;
  readonly region: string;
}

/** `arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<uuid>` */
export function declarationOf({
  StackId,
  LogicalResourceId,
}: {
  readonly StackId: string;
  readonly LogicalResourceId: string;
}): Declaration {
  const [, , , region = '', , resource = ''] = StackId.split(':');
  const [, stackName = '', stackUuid = ''] = resource.split('/');
  return { logicalId: LogicalResourceId, stackName, stackUuid, region };
}

/**
 * Claims are told apart by the uuid of the stack. Engines other than CloudFormation may send the same for all stacks,
 * which would then take each other's claims for their own.
 */
export function problemOfStackId(stackUuid: string): string | undefined {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(stackUuid)
    ? undefined
    : 'invalid StackId: expected an ARN that ends in a uuid, by which stacks are told apart';
}
