import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { messageOf, UserError } from '../errors.ts';
import { parseProject, position } from './parse.ts';
import type { Project } from './schema.ts';

/** A project file that was read without problems; `root` is the folder that its paths are relative to. */
export interface LoadedProject {
  file: string;
  root: string;
  text: string;
  project: Project;
}

/** Reads a project file from disk. Throws a UserError that lists every problem with line and column. */
export async function loadProject(file: string): Promise<LoadedProject> {
  const path = resolve(file);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new UserError(
      'project-unreadable',
      {
        what: `The project file ${path} could not be read.`,
        why: messageOf(error),
        next: 'Name a *.runpod.json file, or run the command in the folder that holds one.',
      },
      { cause: error },
    );
  }
  const { project, problems } = parseProject(text);
  if (project === undefined) {
    const lines = problems.map((p) => `  ${basename(path)}:${position(text, p.offset)}  ${p.message}`);
    throw new UserError('project-invalid', {
      what: `The project file ${basename(path)} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${lines.join('\n')}\n`,
      next: 'Correct the file; nothing was started.',
    });
  }
  return { file: path, root: dirname(path), text, project };
}
