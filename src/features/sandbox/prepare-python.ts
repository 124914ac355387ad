import type * as vscode from 'vscode';
import { messageOf } from '../../core/errors.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import type { WorkspacePython } from '../python/workspace-python.ts';
import { createEnvironment, missingModules, sampleModules } from './sample-python.ts';

/** What every Python brings. */
const ownModules = ['json', 'csv'];

export interface PythonOptions {
  python: WorkspacePython;
  /** Folder of the sample. */
  target: vscode.Uri;
  /** What the sample's steps install; absent for one that needs nothing but Python. */
  requirements: string | undefined;
  /** The worker's single file. */
  workerFile: string;
}

/**
 * Sees to it that the chosen Python can run the sample, with the user's consent. Answers false when they gave up;
 * `changed` tells that another Python was set.
 */
export async function preparePython(
  vs: typeof vscode,
  options: PythonOptions,
): Promise<{ ready: boolean; changed: boolean }> {
  const { workerFile, requirements, target } = options;
  for (let changed = false; ; changed = true) {
    const { path } = await options.python.current(target);
    const problem = await problemOf(path, workerFile, requirements === undefined ? ownModules : sampleModules);
    if (problem === undefined) {
      return { ready: true, changed };
    }
    const create = 'Create an Environment';
    const choose = 'Choose Interpreter…';
    const chosen =
      requirements === undefined
        ? await vs.window.showWarningMessage(
            `The sample needs a Python, and ${path} does not work.`,
            { modal: true, detail: problem },
            choose,
          )
        : await vs.window.showWarningMessage(
            `The sample needs packages that ${path} does not have.`,
            {
              modal: true,
              detail: `${problem}\n\nAn environment for the sample takes 1 to 6 GB, depending on the build of PyTorch that can be had, in this extension's own folder, and some minutes to fetch. Your other Pythons stay as they are.`,
            },
            create,
            choose,
          );
    const python =
      chosen === create && requirements !== undefined
        ? await made(vs, { ...options, requirements })
        : chosen === choose
          ? await picked(vs)
          : undefined;
    if (python === undefined) {
      return { ready: false, changed };
    }
    await options.python.choose(python, target);
  }
}

async function problemOf(python: string, workerFile: string, modules: readonly string[]): Promise<string | undefined> {
  try {
    const missing = await missingModules(python, workerFile, modules);
    return missing.length === 0 ? undefined : `Missing: ${missing.join(', ')}.`;
  } catch (error) {
    return messageOf(error);
  }
}

async function made(
  vs: typeof vscode,
  { python: workspacePython, target, requirements, workerFile }: PythonOptions & { requirements: string },
): Promise<string> {
  const folder = workspacePython.preparedFolder;
  const { path } = await workspacePython.current(target);
  const title = 'Creating an environment for the sample';
  return valueOf(
    await withProgress(vs, { title }, async (signal, report) => {
      // A broken choice must not stand in the way of making a good one.
      const python = await missingModules(path, workerFile, ownModules).then(
        () => path,
        () => 'python3',
      );
      return createEnvironment({ python, folder, requirements, signal, report });
    }),
  );
}

async function picked(vs: typeof vscode): Promise<string | undefined> {
  const title = 'Choose the Python for Steps on This Machine';
  const chosen = await vs.window.showOpenDialog({ title, openLabel: 'Use This Python' });
  return chosen?.[0]?.fsPath;
}
