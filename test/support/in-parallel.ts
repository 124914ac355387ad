import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const repository = path.resolve(import.meta.dirname, '..', '..');

/** An import of a module of `src` for the text of a program. */
export function importing(names: string, module: string): string {
  return `import { ${names} } from ${JSON.stringify(path.join(repository, 'src', module))};\n`;
}

/**
 * Runs programs, each a module's text, in processes of their own that all begin at the same moment. Answers what each
 * has printed. `process.argv[1]` is its number.
 */
export async function inParallel(...programs: string[]): Promise<string[]> {
  // Starting takes each its own time, so that without a common moment the first would be done before the last begins.
  const moment = `await new Promise((go) => setTimeout(go, ${Date.now() + 400 + 400 * programs.length} - Date.now()));\n`;
  const runs = programs.map((text, i) => {
    const lastImport = text.lastIndexOf('import {');
    const at = lastImport < 0 ? 0 : text.indexOf('\n', lastImport) + 1;
    const program = `${text.slice(0, at)}${moment}${text.slice(at)}`;
    return promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', program, String(i)]);
  });
  return (await Promise.all(runs)).map((r) => r.stdout);
}
