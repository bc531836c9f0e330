import type { ActionParameters, Constraint } from '../constraints';
import type { StackStatus } from './events';

// From the service model of API version 2010-05-15.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
const stackName: Constraint = { type: 'string', min: 1 };
const nextToken: Constraint = { type: 'string', min: 1, max: 1024 };

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html */
const STATUSES: readonly string[] = [
  'CREATE_IN_PROGRESS',
  'CREATE_FAILED',
  'CREATE_COMPLETE',
  'ROLLBACK_IN_PROGRESS',
  'ROLLBACK_FAILED',
  'ROLLBACK_COMPLETE',
  'DELETE_IN_PROGRESS',
  'DELETE_FAILED',
  'DELETE_COMPLETE',
  'UPDATE_IN_PROGRESS',
  'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
  'UPDATE_COMPLETE',
  'UPDATE_FAILED',
  'UPDATE_ROLLBACK_IN_PROGRESS',
  'UPDATE_ROLLBACK_FAILED',
  'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS',
  'UPDATE_ROLLBACK_COMPLETE',
  'REVIEW_IN_PROGRESS',
  'IMPORT_IN_PROGRESS',
  'IMPORT_COMPLETE',
  'IMPORT_ROLLBACK_IN_PROGRESS',
  'IMPORT_ROLLBACK_FAILED',
  'IMPORT_ROLLBACK_COMPLETE',
];

/** Parameters by action, after validation against `CLOUDFORMATION_PARAMETERS`. */
export interface CloudFormationInputs {
  DescribeStacks: { readonly StackName?: string; readonly NextToken?: string };
  ListStacks: { readonly StackStatusFilter?: readonly StackStatus[]; readonly NextToken?: string };
  ListStackResources: { readonly StackName: string; readonly NextToken?: string };
}

/** An action that the local CloudFormation serves. */
export type CloudFormationAction = keyof CloudFormationInputs;

/** The actions that the local CloudFormation serves, and the parameters of each. */
export const CLOUDFORMATION_PARAMETERS: Readonly<Record<CloudFormationAction, ActionParameters>> = {
  DescribeStacks: { members: { StackName: stackName, NextToken: nextToken }, required: [] },
  ListStacks: {
    members: { StackStatusFilter: { type: 'list', of: { type: 'string', values: STATUSES } }, NextToken: nextToken },
    required: [],
  },
  ListStackResources: { members: { StackName: stackName, NextToken: nextToken }, required: ['StackName'] },
};

export function isCloudFormationAction(action: string): action is CloudFormationAction {
  return Object.hasOwn(CLOUDFORMATION_PARAMETERS, action);
}
