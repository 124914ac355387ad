import { isAbsolute, join } from 'node:path';
import { isWithin } from '../../files/within.ts';
import type { Project } from '../../project/schema.ts';
import type { Evidence, ProjectPath } from './types.ts';

/** Where in the project file the gate stands that ended the job; undefined where none did, or it is not there any more. */
export function gatePlace(
  { state }: Pick<Evidence, 'state'>,
  project: Pick<Project, 'steps'> | undefined,
): ProjectPath | undefined {
  const step = state.steps.find((s) => s.gates.some((g) => g.status !== 'passed'));
  const bad = step?.gates.find((g) => g.status !== 'passed');
  const index = project?.steps.findIndex((s) => s.name === step?.name) ?? -1;
  const known = bad !== undefined && project?.steps[index]?.gates[bad.index] !== undefined;
  return known ? ['steps', index, 'gates', bad.index] : undefined;
}

const frame = /File "([^"]+)", line (\d+)/;

/**
 * The line of the project's code in which the last traceback of a log ends, as a file on this machine; undefined where
 * none lies in the project. `far` is the project's folder on the pod.
 */
export function linePlace(
  log: readonly string[],
  root: string,
  far: string | undefined,
): { file: string; line: number } | undefined {
  for (const text of log.toReversed()) {
    const [, path = '', line = ''] = frame.exec(text) ?? [];
    const here = path === '' ? undefined : hereOf(path, root, far);
    if (here !== undefined) {
      return { file: here, line: Number(line) };
    }
  }
  return undefined;
}

/** A log is not trusted: what it names has to lie in the project's folder. */
function hereOf(path: string, root: string, far: string | undefined): string | undefined {
  const within = far !== undefined && path.startsWith(`${far}/`) ? path.slice(far.length + 1) : path;
  const here = isAbsolute(within) ? within : join(root, within);
  return isWithin(root, here) && !/[\0<>]/.test(within) ? join(here) : undefined;
}
