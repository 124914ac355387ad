// `npm run compare -- <part> …`: asks the checks before a run and the programs that a run meets about a large set of files
// that nobody here wrote. Nothing of the set is kept.
import { fileURLToPath } from 'node:url';
import { compareNotebooks } from './notebooks.ts';
import { parquet, say } from './parquet.ts';
import { compareRequirements } from './requirements.ts';

/** Each prints its counts, and says whether both sides agree. */
const parts: Record<string, (options: string[], python: string) => Promise<boolean>> = {
  parquet,
  notebooks: compareNotebooks,
  requirements: compareRequirements,
};

const python =
  process.env['RUNPOD_TRAINER_PYTHON'] ?? fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
const [name, ...options] = process.argv.slice(2);
const part = name === undefined || !Object.hasOwn(parts, name) ? undefined : parts[name];
if (part === undefined) {
  say(`Name one part: ${Object.keys(parts).join(', ')}.`);
  process.exitCode = 2;
} else {
  process.exitCode = (await part(options, python)) ? 0 : 1;
}
