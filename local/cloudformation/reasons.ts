/** Why an operation failed, as the reason of a stack event. It ends in a blank, like CloudFormation's. */
export function failedResources(action: 'create' | 'update' | 'delete', logicalIds: readonly string[]): string {
  return logicalIds.length === 0 ? '' : `The following resource(s) failed to ${action}: [${logicalIds.join(', ')}]. `;
}

/** Why an export can't be changed or removed, as the reason of a stack event. */
export function exportInUse(action: 'update' | 'delete', exportName: string, importers: readonly string[]): string {
  const canceled = action === 'update' ? 'Update canceled' : 'Delete canceled';
  return `${canceled}. Cannot ${action} export ${exportName} as it is in use by ${enumerated(importers)}.`;
}

function enumerated(names: readonly string[]): string {
  const all = names.slice(0, -1).join(', ');
  return [...(all === '' ? [] : [all]), ...names.slice(-1)].join(' and ');
}
