import { createHash } from 'node:crypto';
import type { Project, Step } from './schema.ts';

/** What a step runs, for people: `python -m whalenet.train --epochs 3`. */
export function commandText({ module, script, notebook, shell, args = [] }: Step): string {
  const command = module === undefined ? (script ?? notebook ?? shell ?? '') : `python -m ${module}`;
  return [command, ...args].join(' ');
}

/**
 * What somebody agrees to who lets the steps of this machine run: the folder, the steps with all that they are given, and
 * the variables of the project. Whoever agreed is asked again when any of it changes.
 */
export function trustDigest(root: string, localSteps: readonly Step[], { env }: Pick<Project, 'env'>): string {
  return createHash('sha256')
    .update(JSON.stringify([root, localSteps, env]))
    .digest('hex');
}
