import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { decodeText } from '../decode.ts';
import { messageOf, UserError } from '../errors.ts';
import { findProblems } from './check.ts';
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
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new UserError(
      'project-unreadable',
      {
        what: `The project file ${path} could not be read.`,
        why: messageOf(error),
        next: 'Name a *.runpod.json file that is there and may be read.',
      },
      { cause: error },
    );
  }
  const decoded = decodeText(bytes);
  if ('fault' in decoded) {
    throw invalid(path, [`${decoded.line}:${decoded.column}  ${decoded.fault}.`]);
  }
  const { text } = decoded;
  const { project } = parseProject(text);
  if (project === undefined) {
    const problems = (await findProblems(text, dirname(path))).filter((p) => p.severity === 'error');
    throw invalid(
      path,
      problems.map((p) => `${position(text, p.offset)}  ${p.message}`),
    );
  }
  return { file: path, root: dirname(path), text, project };
}

/** One slip can make hundreds of problems after it. */
const mostTold = 20;

function invalid(path: string, problems: readonly string[]): UserError {
  const name = basename(path);
  const lines = problems.slice(0, mostTold).map((problem) => `  ${name}:${problem}`);
  const more = problems.length > mostTold ? `  and ${problems.length - mostTold} more after these\n` : '';
  return new UserError('project-invalid', {
    what: `The project file ${name} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${lines.join('\n')}\n${more}`,
    next: 'Correct the file; nothing was started.',
  });
}
