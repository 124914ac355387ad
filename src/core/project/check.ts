import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { namedFiles, uploadsNothing, type NamedFile } from './named-files.ts';
import { nearbyFile, projectFiles } from './nearby.ts';
import { readNotebook } from './notebook.ts';
import { parseProject, placeOf } from './parse.ts';
import type { Problem } from './problem.ts';

/** A problem of a file that the project names. */
export interface FileProblem extends Problem {
  about: NamedFile['kind'] | 'nothing-uploaded';
}

/** Every problem of a project file's text: its form, and the files that it names. Runs nothing, costs nothing. */
export async function findProblems(text: string, root: string): Promise<Problem[]> {
  const { problems, value } = parseProject(text);
  const files = value === undefined ? [] : await checkFiles(value, root, text);
  // What is no text that could be a path is told by its form.
  const isTold = ({ path }: Problem): boolean => problems.some((p) => JSON.stringify(p.path) === JSON.stringify(path));
  return [...problems, ...files.filter((p) => !isTold(p))].toSorted((a, b) => a.offset - b.offset);
}

/**
 * Looks at the files that a project names: one that is missing and a notebook that cannot be read are problems at the
 * place in the project file that names them. The project may have other faults. Costs nothing and runs nothing.
 */
export async function checkFiles(project: unknown, root: string, text: string): Promise<FileProblem[]> {
  let listed: Promise<string[]> | undefined;
  const near = async (file: string): Promise<string | undefined> =>
    nearbyFile(file, await (listed ??= projectFiles(root)));
  const found = await Promise.all(
    namedFiles(project).map(async (named) => {
      const problem = await problemOf(root, named, near);
      const { path, kind } = named;
      return problem && { path, about: kind, ...problem, ...placeOf(text, path), severity: 'error' as const };
    }),
  );
  return [...found.filter((p) => p !== undefined), ...nothingUploaded(project, text)];
}

type Found = Pick<Problem, 'message' | 'fix'>;
type Near = (file: string) => Promise<string | undefined>;

async function problemOf(root: string, named: NamedFile, near: Near): Promise<Found | undefined> {
  const { kind, name, where } = named;
  if (kind === 'module') {
    return moduleProblem(root, name, near);
  }
  if (await isThere(root, named)) {
    const message = kind === 'notebook' ? await notebookProblem(root, name) : undefined;
    return message === undefined ? undefined : { message };
  }
  const missing = {
    script: `The script ${name} of ${where} does not exist in the project folder.`,
    notebook: `The notebook ${name} of ${where} does not exist in the project folder.`,
    'gate-script': `The script ${name} of ${where} does not exist in the project folder.`,
    requirements: `The requirements file ${name} does not exist in the project folder.`,
    upload: `Nothing matches "${name}" of ${where}.`,
  }[kind];
  const meant = await near(name);
  const create = kind === 'upload' ? undefined : name;
  return { message: `${missing}${didYouMean(meant)}`, fix: { kind: 'file', near: meant, create } };
}

export function didYouMean(near: string | undefined): string {
  return near === undefined ? '' : ` Did you mean ${near}?`;
}

async function isThere(root: string, { kind, name }: NamedFile): Promise<boolean> {
  const path = join(root, name);
  return kind === 'upload' ? (await isFolder(path)) || (!name.endsWith('/') && (await isFile(path))) : isFile(path);
}

/** Only a module whose first package lies in the project can be checked; others come with the image. */
async function moduleProblem(root: string, module: string, near: Near): Promise<Found | undefined> {
  const parts = module.split('.');
  const first = parts[0] ?? '';
  const own = (await isFile(join(root, `${first}.py`))) || (await isFolder(join(root, first)));
  const path = join(root, ...parts);
  if (!own || (await isFile(`${path}.py`)) || (await isFile(join(path, '__main__.py')))) {
    return undefined;
  }
  const file = `${parts.join('/')}.py`;
  const meant = (await near(file))?.replace(/\.py$/, '').replaceAll('/', '.');
  const message = `The module ${module} does not exist: there is no ${file} in the project.${didYouMean(meant)}`;
  return { message, fix: { kind: 'file', near: meant, create: file } };
}

async function notebookProblem(root: string, path: string): Promise<string | undefined> {
  try {
    await readNotebook(root, path);
    return undefined;
  } catch (error) {
    return `The notebook ${path} cannot run: ${messageOf(error)}. Open it in the editor and save it again.`;
  }
}

/** A step on the pod can only run files that are uploaded. */
function nothingUploaded(project: unknown, text: string): FileProblem[] {
  if (!uploadsNothing(project)) {
    return [];
  }
  const path = ['sync'];
  const message = 'Nothing is uploaded: list the project\'s code under "sync.must", so that the pod has it.';
  return [{ path, about: 'nothing-uploaded', message, ...placeOf(text, path), severity: 'warning' }];
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (s) => s.isFile(),
    () => false,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (s) => s.isDirectory(),
    () => false,
  );
}
