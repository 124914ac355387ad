import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { readNotebook } from './notebook.ts';
import type { Problem } from './parse.ts';
import { placeOf } from './parse.ts';
import type { Project, Step } from './schema.ts';

/**
 * Looks at the files that the steps name: a missing script, module or notebook and a notebook that cannot be read are
 * problems at the place in the project file that names them. Costs nothing and runs nothing.
 */
export async function checkFiles(project: Project, root: string, text: string): Promise<Problem[]> {
  const found = await Promise.all(
    project.steps.map(async (step, index) => {
      const field = fieldOf(step);
      const found = field && (await problemOf(root, field, step));
      const path = ['steps', index, field ?? 'name'];
      return found === undefined ? [] : [{ path, ...found, ...placeOf(text, path), severity: 'error' as const }];
    }),
  );
  return [...found.flat(), ...nothingUploaded(project, text)];
}

type FileProblem = Pick<Problem, 'message' | 'fix'>;

function fieldOf(step: Step): 'script' | 'notebook' | 'module' | undefined {
  return (['script', 'notebook', 'module'] as const).find((f) => step[f] !== undefined);
}

async function problemOf(
  root: string,
  field: 'script' | 'notebook' | 'module',
  step: Step,
): Promise<FileProblem | undefined> {
  if (field === 'module') {
    return moduleProblem(root, step.module ?? '');
  }
  const path = step[field] ?? '';
  if (!(await isFile(join(root, path)))) {
    const message = `The ${field} ${path} of step "${step.name}" does not exist in the project folder.`;
    return { message, fix: { kind: 'create', file: path } };
  }
  const message = field === 'notebook' ? await notebookProblem(root, path) : undefined;
  return message === undefined ? undefined : { message };
}

/** Only a module whose first package lies in the project can be checked; others come with the image. */
async function moduleProblem(root: string, module: string): Promise<FileProblem | undefined> {
  const parts = module.split('.');
  const first = parts[0] ?? '';
  const own = (await isFile(join(root, `${first}.py`))) || (await isFolder(join(root, first)));
  if (!own) {
    return undefined;
  }
  const path = join(root, ...parts);
  const exists = (await isFile(`${path}.py`)) || (await isFile(join(path, '__main__.py')));
  const file = `${parts.join('/')}.py`;
  const message = `The module ${module} does not exist: there is no ${file} in the project.`;
  return exists ? undefined : { message, fix: { kind: 'create', file } };
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
function nothingUploaded(project: Project, text: string): Problem[] {
  const { must, optional, data } = project.sync;
  if (must.length + optional.length + data.length > 0 || project.steps.every((s) => s.where === 'local')) {
    return [];
  }
  const path = ['sync'];
  const message = 'Nothing is uploaded: list the project\'s code under "sync.must", so that the pod has it.';
  return [{ path, message, ...placeOf(text, path), severity: 'warning' }];
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
