import type { CustomResourceEvent, serve, Shell } from '../../lambda/protocol';
import type { Template } from './template';

/**
 * Disables one safeguard, to show that the histories detect it. The library has no code for this: a sabotage changes
 * the template, wraps a port or replaces the handler.
 */
export interface Sabotage {
  readonly template?: (template: Template) => Template;
  readonly shell?: (shell: Shell, event: CustomResourceEvent) => Shell;
  readonly serve?: typeof serve;
}

export const NONE: Sabotage = {};
