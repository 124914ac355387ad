import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { seeded } from '../support/random.ts';
import { kinds, type Answer, type Kind } from './kinds.ts';
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

/** No file here takes longer to read than this, nor do those that one program reads, on a busy machine either. */
const patienceMs = 60_000;
/** So many are read by one program. */
const atOnce = 100;

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

function countOf(kind: Kind, name: string, answer: Answer | Error): Partial<Counts> {
  if (answer instanceof Error) {
    return { cases: 1, crashes: [`${name}: ${String(answer.stack)}`] };
  }
  const placeless = answer.find((error) => !kind.placed(error));
  return {
    cases: 1,
    ...(answer.length === 0 ? { sound: 1 } : { refused: 1 }),
    ...(placeless !== undefined && { placeless: [`${name}: ${placeless}`] }),
  };
}

async function work({ kind: name, seed, cases }: Task): Promise<void> {
  const kind = kinds[name];
  if (kind === undefined) {
    throw new Error(`no such kind: ${name}`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'fuzz-'));
  try {
    const good = await kind.good();
    const many = kind.readMany === undefined ? 1 : atOnce;
    for (let i = 0; i < cases; i += many) {
      // A case can be played again by its own number.
      const numbers = Array.from({ length: Math.min(many, cases - i) }, (_, k) => seed + i + k);
      const files = numbers.map((number) => mutated(seeded(number), good));
      const first = `${name} ${seed + i}`;
      parentPort?.postMessage({ name: first });
      let answers: (Answer | Error)[];
      try {
        answers = (await kind.readMany?.(files, folder)) ?? [
          (await kind.read?.(files[0] ?? Buffer.of(), folder)) ?? [],
        ];
      } catch (error) {
        answers = numbers.map(() => (error instanceof Error ? error : new Error(String(error))));
      }
      for (const [k, number] of numbers.entries()) {
        parentPort?.postMessage({ name: first, answer: countOf(kind, `${name} ${number}`, answers[k] ?? []) });
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (!isMainThread && parentPort !== null) {
  await work(workerData as Task);
}
