import { isDeepStrictEqual } from 'node:util';
import type { Engine, ResourceOperation } from './engine';
import { STACK_TYPE, type ResourceStatus, type StackStatus } from './events';
import type { JsonObject } from './json';
import type { PlannedResource } from './blueprint';
import {
  ResourceRefusal,
  type PhysicalResource,
  type ResourceProvider,
  type ResourceRequest,
} from './resources/provider';
import type { Stack } from './stack';
import type { StackResource } from './stack-resource';

/** Statuses in which a stack has exactly the resources of its template. */
const STABLE: readonly StackStatus[] = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'];

/** One operation on one stack: it emits events and calls the resource providers. */
export class Operation {
  constructor(
    readonly engine: Engine,
    readonly stack: Stack,
  ) {}

  /** Changes the stack's status and emits an event. */
  setStatus(status: StackStatus, reason?: string): void {
    const { stack } = this;
    stack.status = status;
    stack.reason = reason;
    if (STABLE.includes(status)) {
      stack.forgetReported();
    }
    this.emit(stack.name, STACK_TYPE, status, stack.id, reason);
  }

  /** Emits an event about a resource's status. */
  report(planned: PlannedResource, status: ResourceStatus, physicalId?: string, reason?: string): void {
    const { logicalId, type } = planned.declaration;
    this.stack.note(logicalId, { type, status, physicalId, time: this.engine.clock.now() });
    this.emit(logicalId, type, status, physicalId, reason);
  }

  async create(
    planned: PlannedResource,
    properties: JsonObject,
    phase: ResourceOperation['phase'],
    signal: AbortSignal,
  ): Promise<PhysicalResource> {
    const provider = await this.begin(planned, 'create', phase, signal);
    return provider.create(properties, this.request(planned, signal));
  }

  async update(
    resource: StackResource,
    planned: PlannedResource,
    properties: JsonObject,
    phase: ResourceOperation['phase'],
    signal?: AbortSignal,
  ): Promise<PhysicalResource> {
    const provider = await this.begin(planned, 'update', phase, signal);
    return provider.update(resource.physical, properties, resource.properties, this.request(planned, signal));
  }

  /** Whether the template alone shows that an update to these properties requires another physical resource. */
  requiresReplacement({ planned, properties: before }: StackResource, properties: JsonObject): boolean {
    const { replacedBy = [] } = this.engine.providers.of(planned.declaration.type);
    return replacedBy.some((property) => !isDeepStrictEqual(properties[property], before[property]));
  }

  /** Deletes a resource and emits events. */
  async delete(resource: StackResource, phase: ResourceOperation['phase']): Promise<'done' | 'failed'> {
    const { planned, properties, physical } = resource;
    this.report(planned, 'DELETE_IN_PROGRESS', physical.physicalId);
    try {
      const provider = await this.begin(planned, 'delete', phase);
      await provider.delete(physical, properties, this.request(planned));
    } catch (error) {
      this.report(planned, 'DELETE_FAILED', physical.physicalId, reasonOf(error));
      return 'failed';
    }
    this.report(planned, 'DELETE_COMPLETE', physical.physicalId);
    return 'done';
  }

  private async begin(
    { declaration: { logicalId, type } }: PlannedResource,
    action: ResourceOperation['action'],
    phase: ResourceOperation['phase'],
    signal?: AbortSignal,
  ): Promise<ResourceProvider> {
    await this.engine.fault({ stackName: this.stack.name, logicalId, type, action, phase });
    if (signal?.aborted) {
      throw new ResourceRefusal(`Resource ${action === 'create' ? 'creation' : action} cancelled`);
    }
    return this.engine.providers.of(type);
  }

  private request({ declaration: { logicalId, type } }: PlannedResource, signal?: AbortSignal): ResourceRequest {
    return { stackId: this.stack.id, stackName: this.stack.name, logicalId, type, ...(signal && { signal }) };
  }

  private emit(
    logicalId: string,
    type: string,
    status: ResourceStatus | StackStatus,
    physicalId?: string,
    reason?: string,
  ): void {
    const { clock, onEvent } = this.engine;
    onEvent({
      time: clock.now(),
      stackId: this.stack.id,
      stackName: this.stack.name,
      logicalId,
      ...(physicalId !== undefined && { physicalId }),
      type,
      status,
      ...(reason !== undefined && { reason }),
    });
  }
}

/** The message of an error. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
