/** Licences that ask for no more than that their text and the names of the authors are passed on. */
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

/** Whether an SPDX expression leaves a choice of permissive licences only: one of what OR joins, all of what AND joins. */
export function permissive(expression) {
  const alternatives = expression?.replace(/^\((.*)\)$/, '$1').split(' OR ') ?? [];
  return alternatives.some((terms) => terms.split(' AND ').every((licence) => PERMISSIVE.has(licence)));
}
