import * as z from 'zod';
import { limits } from '../../contract.ts';
import { UserError } from '../../errors.ts';
import type { SshConnection } from '../../ssh/index.ts';

/** How to reach the worker's `files` commands for one project folder on the pod. */
export interface RemoteFiles {
  connection: SshConnection;
  /** How the worker is called, such as `['python3', '/workspace/.runpod-trainer/worker/….pyz']`. */
  worker: readonly string[];
  /** The project's folder on the pod, absolute. */
  root: string;
}

const errorSchema = z.object({
  error: z.object({ what: z.string(), why: z.string().nullish(), next: z.string().nullish() }),
});

/** Lists of a hundred thousand files with long names fit; more than this is not an honest answer. */
const maxAnswer = limits.filesAnswerBytes;

/**
 * Runs `files <command>` with one JSON object a line as input, and reads the answer the same way. Rejects with
 * `worker-refused` and the worker's own words, or `worker-broken` when it cannot be understood.
 */
export async function callFiles<T>(
  remote: RemoteFiles,
  command: 'plan' | 'commit' | 'list' | 'state' | 'remove' | 'set-aside' | 'room' | 'origin',
  input: readonly unknown[],
  answer: z.ZodType<T>,
  signal: AbortSignal | undefined,
): Promise<T[]> {
  const stdin = input.map((line) => `${JSON.stringify(line)}\n`).join('');
  const argv = [...remote.worker, 'files', command, '--root', remote.root];
  const result = await remote.connection.exec(argv, { stdin, signal, maxStdout: maxAnswer });
  const lines = result.stdout.toString('utf8').split('\n').filter(Boolean);
  throwIfRefused(lines.at(-1) ?? '');
  if (result.code !== 0) {
    throw broken(command, `It ended with exit code ${result.code}: ${result.stderr.trim().slice(-500)}`);
  }
  return lines.map((line) => readLine(command, line, answer));
}

/** Reads one line that the worker answered; rejects as `callFiles` does. */
export function readLine<T>(command: string, line: string, answer: z.ZodType<T>): T {
  const raw = parse(line);
  const parsed = answer.safeParse(raw);
  if (!parsed.success) {
    throwIfRefused(line);
    throw broken(command, `It answered ${JSON.stringify(line.slice(0, 200))}.`);
  }
  return parsed.data;
}

function throwIfRefused(line: string): void {
  const refusal = errorSchema.safeParse(parse(line));
  if (refusal.success) {
    const { what, why, next } = refusal.data.error;
    throw new UserError('worker-refused', { what, why: why ?? undefined, next: next ?? undefined });
  }
}

export function broken(command: string, why: string): UserError {
  return new UserError('worker-broken', {
    what: `The worker on the pod did not do "files ${command}".`,
    why,
    next: 'Try again. If it stays so, look whether Python 3.9 or newer runs on the pod and whether its volume is full.',
  });
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
