import { readdir } from 'node:fs/promises';
import { UserError } from '../core/errors.ts';

/** The one project file of a folder. Throws `which-project` when there is none or more than one. */
export async function onlyProjectFile(folder: string, command: string): Promise<string> {
  const names = (await readdir(folder)).filter((n) => n.endsWith('.runpod.json')).toSorted();
  const [name] = names;
  if (name === undefined || names.length > 1) {
    throw new UserError('which-project', {
      what:
        name === undefined
          ? 'There is no *.runpod.json in this folder.'
          : `There are ${names.length} project files here.`,
      next: `Name the project file: runpod-trainer ${command} ${name ?? 'training.runpod.json'}`,
    });
  }
  return name;
}
