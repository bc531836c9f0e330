export { deliverOnce, type Delivery, type DeliveryPolicy } from './deliveries';
export type { AttemptResult, FunctionConfiguration, FunctionContext, Invocation } from './function';
export { InProcessEnvironments, type InProcessHandler, type FunctionLifetime } from './in-process';
export { LambdaRunner, type LambdaRunnerOptions } from './lambda-runner';
export { Processes, type ProcessesOptions } from './processes';
export type { RoleSession } from './credentials';
