/** Licenses whose only condition is that copies keep their text and the names of the authors. */
const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC-BY-4.0',
  'CC0-1.0',
  'ISC',
  'MIT',
]);

/** Whether an SPDX expression can be met with permissive licenses only: one side of each OR, every side of each AND. */
export function isPermissive(expression) {
  const alternatives = expression?.replace(/^\((.*)\)$/, '$1').split(' OR ') ?? [];
  return alternatives.some((terms) => terms.split(' AND ').every((license) => PERMISSIVE.has(license)));
}
