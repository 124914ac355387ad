import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { seeded } from '../support/random.ts';
import { kinds } from './kinds.ts';
import { mutated } from './mutate.ts';

export interface Counts {
  cases: number;
  /** Read without a word. */
  sound: number;
  refused: number;
  /** Errors that name no place. */
  placeless: string[];
  crashes: string[];
  hangs: string[];
}

interface Task {
  kind: string;
  seed: number;
  cases: number;
}

/** No file here takes longer to read than this. */
const patienceMs = 20_000;

/** Reads so many mutated files of a kind in a thread of its own, which a file that hangs cannot hold. */
export async function fuzz(task: Task): Promise<Counts> {
  const counts: Counts = { cases: 0, sound: 0, refused: 0, placeless: [], crashes: [], hangs: [] };
  const worker = new Worker(new URL(import.meta.url), { workerData: task });
  let current = '';
  let timer: NodeJS.Timeout | undefined;
  const ended = once(worker, 'exit');
  worker.on('error', (error) => counts.crashes.push(`${current}: ${String(error)}`));
  worker.on('message', ({ name, answer }: { name: string; answer?: Partial<Counts> }) => {
    current = name;
    clearTimeout(timer);
    timer = setTimeout(() => {
      counts.hangs.push(current);
      void worker.terminate();
    }, patienceMs);
    counts.cases += answer?.cases ?? 0;
    counts.sound += answer?.sound ?? 0;
    counts.refused += answer?.refused ?? 0;
    counts.placeless.push(...(answer?.placeless ?? []));
    counts.crashes.push(...(answer?.crashes ?? []));
  });
  await ended;
  clearTimeout(timer);
  return counts;
}

async function work({ kind: name, seed, cases }: Task): Promise<void> {
  const kind = kinds[name];
  if (kind === undefined) {
    throw new Error(`no such kind: ${name}`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'fuzz-'));
  try {
    const good = await kind.good();
    for (let i = 0; i < cases; i++) {
      // A case can be played again by its own number.
      const bytes = mutated(seeded(seed + i), good);
      parentPort?.postMessage({ name: `${name} ${seed + i}` });
      const answer: Partial<Counts> = { cases: 1 };
      try {
        const errors = await kind.read(bytes, folder);
        Object.assign(answer, errors.length === 0 ? { sound: 1 } : { refused: 1 });
        const placeless = errors.find((error) => !kind.placed(error));
        if (placeless !== undefined) {
          answer.placeless = [`${name} ${seed + i}: ${placeless}`];
        }
      } catch (error) {
        answer.crashes = [`${name} ${seed + i}: ${error instanceof Error ? String(error.stack) : String(error)}`];
      }
      parentPort?.postMessage({ name: `${name} ${seed + i}`, answer });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (!isMainThread && parentPort !== null) {
  await work(workerData as Task);
}
