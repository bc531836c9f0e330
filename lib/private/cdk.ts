import * as cdk from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { type IConstruct } from 'constructs';

/*
 * What every enrollment uses of aws-cdk-lib. Its older versions look up an export each time it is used, which takes 7 %
 * of the synthesis of many enrollments; here it is looked up once. A bound of the synthesis bench needs this.
 */

export import CfnDeletionPolicy = cdk.CfnDeletionPolicy;
export import CfnPolicy = iam.CfnPolicy;
export import CfnResource = cdk.CfnResource;
export import Lazy = cdk.Lazy;
export import Reference = cdk.Reference;
export import RemovalPolicy = cdk.RemovalPolicy;
export import Stack = cdk.Stack;
export import Stage = cdk.Stage;
export import Token = cdk.Token;
export import Tokenization = cdk.Tokenization;

/** Whether a construct is an L1 resource of a type. */
export function isOfType(construct: IConstruct, type: string): boolean {
  return CfnResource.isCfnResource(construct) && construct.cfnResourceType === type;
}
