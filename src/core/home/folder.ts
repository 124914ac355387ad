import { homedir } from 'node:os';
import { join } from 'node:path';

/** Folder of this installation: `RUNPOD_TRAINER_HOME`, else `~/.runpod-trainer`. */
export function homeFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.RUNPOD_TRAINER_HOME ?? join(homedir(), '.runpod-trainer');
}
