import type { Path } from './place-words.ts';
import { relativePath } from './schema-values.ts';
import { stepWords } from './place-words.ts';

/** A file of this machine that the project file names and that has to be there. */
export interface NamedFile {
  kind: 'script' | 'notebook' | 'module' | 'gate-script' | 'requirements' | 'upload';
  path: Path;
  /** As it is written; a module with dots. */
  name: string;
  /** Where it is named, for a sentence. */
  where: string;
}

/** The files that a project names, of any value that a project file may have: what cannot be read is left out. */
export function namedFiles(project: unknown): NamedFile[] {
  const steps = listOf(fieldOf(project, 'steps')).flatMap((step, i) => ofStep(project, step, i));
  const requirements = pathOf(fieldOf(fieldOf(project, 'target'), 'requirements'));
  return [
    ...(requirements === undefined
      ? []
      : [{ kind: 'requirements' as const, path: ['target', 'requirements'], name: requirements, where: '"target"' }]),
    ...uploads(project),
    ...steps,
  ];
}

/** Whether a step on the pod is there and nothing is uploaded for it. */
export function uploadsNothing(project: unknown): boolean {
  const sync = fieldOf(project, 'sync');
  const isEmpty = (['must', 'data', 'optional'] as const).every((list) => listOf(fieldOf(sync, list)).length === 0);
  return isEmpty && listOf(fieldOf(project, 'steps')).some((step) => fieldOf(step, 'where') !== 'local');
}

function ofStep(project: unknown, step: unknown, index: number): NamedFile[] {
  const where = stepWords(index, project);
  const own = (['script', 'notebook', 'module'] as const).flatMap((kind): NamedFile[] => {
    const value = fieldOf(step, kind);
    const name = kind === 'module' ? (typeof value === 'string' ? value : undefined) : pathOf(value);
    return name === undefined ? [] : [{ kind, path: ['steps', index, kind], name, where }];
  });
  const gates = listOf(fieldOf(step, 'gates')).flatMap((gate, k): NamedFile[] => {
    const name = fieldOf(gate, 'type') === 'script' ? pathOf(fieldOf(gate, 'script')) : undefined;
    const path = ['steps', index, 'gates', k, 'script'];
    return name === undefined ? [] : [{ kind: 'gate-script', path, name, where: `gate ${k + 1} of ${where}` }];
  });
  return [...own, ...gates];
}

/** Single files and folders of the lists; what a step of this machine may make is not there yet. */
function uploads(project: unknown): NamedFile[] {
  const sync = fieldOf(project, 'sync');
  const made = listOf(fieldOf(project, 'steps'))
    .filter((step) => fieldOf(step, 'where') === 'local')
    .flatMap((step) => listOf(fieldOf(step, 'outputs')).filter((output) => typeof output === 'string'));
  const archived = listOf(fieldOf(sync, 'archives')).flatMap((one) => pathOf(fieldOf(one, 'to')) ?? []);
  return (['must', 'data'] as const).flatMap((list) =>
    listOf(fieldOf(sync, list)).flatMap((entry, i): NamedFile[] => {
      const name = typeof entry === 'string' && !isPattern(entry) ? pathOf(entry) : undefined;
      const isThere = name === undefined || name === '.' || [...made, ...archived].some((other) => meets(other, name));
      return isThere ? [] : [{ kind: 'upload', path: ['sync', list, i], name: String(entry), where: `"sync.${list}"` }];
    }),
  );
}

function isPattern(path: string): boolean {
  return /[*?[\\]/.test(path);
}

/** Whether two entries may name the same file: one is the other or its folder, as far as no pattern begins. */
function meets(a: string, b: string): boolean {
  const [left, right] = [a, b].map((path) =>
    path
      .replace(/[*?[\\].*$/s, '')
      .replace(/^\.\//, '')
      .replace(/\/$/, ''),
  );
  return (
    left === right ||
    left === '' ||
    `${right ?? ''}/`.startsWith(`${left ?? ''}/`) ||
    `${left ?? ''}/`.startsWith(`${right ?? ''}/`)
  );
}

function pathOf(value: unknown): string | undefined {
  return typeof value === 'string' ? relativePath.safeParse(value).data : undefined;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
