import { isOfType, Stack } from './cdk';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { type Construct, Dependable, type IConstruct, type IDependable } from 'constructs';

/**
 * What connects a function in a VPC to AWS, as far as the function's stack declares it: its security groups with their
 * rules, the VPC with its routes, and the endpoints of that VPC wherever they are declared. They are looked up at
 * synthesis, because an app can add rules and endpoints after it creates the function.
 */
export function connectionsOf(
  scope: Construct,
  vpc: ec2.IVpc,
  securityGroups: readonly ec2.ISecurityGroup[],
): IDependable {
  const stack = Stack.of(scope);
  const connections: IDependable = {};
  Dependable.implement(connections, {
    get dependencyRoots(): IConstruct[] {
      // What comes from another stack is deployed before this stack, or after it: no resource can wait for it. Nor can
      // one wait for itself, if the VPC contains the provider.
      const network =
        Stack.of(vpc) === stack ? vpc.node.children.filter((each) => !scope.node.scopes.includes(each)) : [];
      const groups = securityGroups.filter((each) => Stack.of(each) === stack);
      return [...network, ...groups, ...endpointsIn(stack, vpc)];
    },
  });
  return connections;
}

/** The endpoints of a VPC, each with its security groups and their rules. */
function endpointsIn(stack: Stack, vpc: ec2.IVpc): IConstruct[] {
  return stack.node
    .findAll()
    .filter((each): each is ec2.CfnVPCEndpoint => isOfType(each, ec2.CfnVPCEndpoint.CFN_RESOURCE_TYPE_NAME))
    .filter((each) => each.stack === stack && each.vpcId === vpc.vpcId)
    .map((each) => (each.node.scope instanceof ec2.VpcEndpoint ? each.node.scope : each));
}
