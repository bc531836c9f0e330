export { onceAtOnce, type Delivery, type DeliveryPolicy } from './deliveries';
export type { Ending, FunctionConfiguration, FunctionContext, Invocation } from './function';
export { InProcessEnvironments, type InProcessHandler, type Life } from './in-process';
export { LambdaRunner, type LambdaRunnerOptions } from './lambda-runner';
export { Processes, type ProcessesOptions } from './processes';
export type { RoleSession } from './credentials';
