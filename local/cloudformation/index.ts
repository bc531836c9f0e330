export { CloudFormationApi, type CloudFormationApiOptions } from './api';
export { ResponseUrls, type ReceivedResponse, type UrlSignature } from './response-urls';
export { ResponseServer } from './response-server';
export { readAssembly, type Assembly, type AssemblyStack } from './assembly';
export { Assets } from './assets';
export {
  CloudFormation,
  type CloudFormationOptions,
  type DeletionOptions,
  type StackDescription,
  type StackRequest,
} from './cloudformation';
export { deploy } from './deploy';
export type { FailureOptions, UndocumentedBehavior, ResourceFault, ResourceOperation } from './engine';
export type { ResourceStatus, StackEvent, StackStatus } from './events';
export { providersOf, type ResourcesOptions } from './resources';
