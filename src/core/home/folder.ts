import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf, UserError } from '../errors.ts';

/** Folder of this installation: `RUNPOD_TRAINER_HOME`, else `~/.runpod-trainer`. */
export function homeFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.RUNPOD_TRAINER_HOME ?? join(homedir(), '.runpod-trainer');
}

/** Makes a folder of this installation, and says in words why it cannot. */
export function makeOwnFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unwritable(folder, error);
  }
}

/** What is said when a folder of this installation cannot be made or written to. */
export function unwritable(folder: string, error: unknown): UserError {
  return new UserError(
    'home-unwritable',
    {
      what: `The folder of this installation, ${folder}, cannot be written to.`,
      why: messageOf(refusalOf(folder) ?? error),
      next: 'Make it writable, or let this program use another folder.',
    },
    { cause: error },
  );
}

/** What the nearest folder above that exists refuses: for one on a read-only disk mkdir says only that nothing is there. */
function refusalOf(folder: string): unknown {
  let there = folder;
  while (!existsSync(there) && dirname(there) !== there) {
    there = dirname(there);
  }
  try {
    accessSync(there, constants.W_OK);
    return undefined;
  } catch (error) {
    return error;
  }
}
