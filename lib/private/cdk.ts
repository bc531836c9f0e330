import * as cdk from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';

/*
 * What every enrollment uses of aws-cdk-lib. Its older versions look an export up anew whenever it is used, which took
 * a twentieth of the synthesis of many enrollments; bound here, it is looked up once.
 */

export import CfnPolicy = iam.CfnPolicy;
export import CfnResource = cdk.CfnResource;
export import Lazy = cdk.Lazy;
export import RemovalPolicy = cdk.RemovalPolicy;
export import Stack = cdk.Stack;
export import Token = cdk.Token;
