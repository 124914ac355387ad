// `npm run compare -- <part> [folder…]`: what the checks say against what really reads the files.
import { compareNotebooks } from './notebooks.ts';
import { compareRequirements } from './requirements.ts';

const parts: Record<string, (folders: readonly string[]) => Promise<boolean>> = {
  notebooks: compareNotebooks,
  requirements: compareRequirements,
};

const [name = '', ...rest] = process.argv.slice(2);
const part = parts[name];
if (part === undefined) {
  process.stderr.write(`Name one of: ${Object.keys(parts).join(', ')}\n`);
  process.exitCode = 2;
} else {
  process.exitCode = (await part(rest)) ? 0 : 1;
}
