import { spawn } from 'node:child_process';
import { messageOf } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { Face } from './installation.ts';

/** Variables that a Python may need to start. */
const harmless = new Set(['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'LD_LIBRARY_PATH', 'SYSTEMROOT']);

/**
 * Lets a Python of this machine answer with one of the worker's commands that run nothing of a project. Rejects with an
 * Error that says why it did not.
 */
export async function askLocalWorker(
  { localPython: python, workerFile }: Pick<Face, 'localPython' | 'workerFile'>,
  command: 'sources' | 'foresee',
  request: object,
  signal?: AbortSignal,
): Promise<unknown> {
  // Isolated, so that nothing in the project's folder is imported by accident.
  const child = spawn(python, ['-I', '-X', 'utf8', workerFile, command], {
    stdio: 'pipe',
    // This process may hold keys, and the program needs none of them (docs/security.md, rule 8).
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => harmless.has(name))),
    signal,
    killSignal: 'SIGKILL',
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  // It may end without reading; what it says then counts.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(request));
  try {
    await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
  } catch (error) {
    throw new Error(`The Python of this machine (${python}) could not be started: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  const answer = parseJson(Buffer.concat(output).toString('utf8'));
  const isAnswer = typeof answer === 'object' && answer !== null && child.exitCode === 0;
  if (!isAnswer) {
    const said = Buffer.concat(errors).toString('utf8').trim().split('\n').at(-1) ?? '';
    throw new Error(`The Python of this machine (${python}) could not read the code. ${said}`.trim());
  }
  return answer;
}
