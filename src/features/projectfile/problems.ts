import { checkFiles } from '../../core/project/check.ts';
import { parseProject, type Problem } from '../../core/project/parse.ts';

/** Every problem of a project file's text: its form, and the files that it names. Runs nothing, costs nothing. */
export async function findProblems(text: string, folder: string): Promise<Problem[]> {
  const { project, problems } = parseProject(text);
  return project === undefined ? problems : [...problems, ...(await checkFiles(project, folder, text))];
}
