import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobEvent } from '../../src/core/journal/events.ts';
import type { JobRecord } from '../../src/core/journal/records.ts';

type Bare<T> = T extends JobEvent ? Omit<T, 'epoch' | 'seq' | 'time'> : never;

const day = 86_400_000;
const names = ['extract', 'clean', 'embed', 'train', 'evaluate', 'report'];
const gate = (step: string, index: number): Bare<JobEvent> => ({
  type: 'gate',
  step,
  gate: {
    index,
    type: 'metric',
    title: `loss of ${step}`,
    status: 'passed',
    expected: '< 2',
    seen: '0.31',
    message: null,
    evidence: { name: 'loss', value: 0.31, reports: 400 },
  },
});

function told(job: string, logLines: number): Bare<JobEvent>[] {
  const host = { python: '3.12.3', cpus: 16, memoryBytes: 64e9, gpus: ['NVIDIA L4'] };
  const steps = names.map((name) => ({ name, where: 'pod' as const }));
  const line = (i: number): string =>
    `epoch ${i} loss ${(2 / (i + 1)).toFixed(5)} lr 0.0003 samples/s 412.7 eta 00:12:31`;
  return [
    { type: 'job.started', job, project: 'songs', podId: 'pod1', host, steps, capSeconds: 7200 },
    { type: 'watchdog', armed: true, detail: 'it ends the pod at the cap', deadline: '2026-05-01T12:00:00.000Z' },
    ...names.flatMap((step, at): Bare<JobEvent>[] => [
      {
        type: 'step.started',
        step,
        index: at + 1,
        of: names.length,
        why: ['No run of it is known.'],
        argv: ['python', `${step}.py`],
      },
      ...Array.from({ length: Math.ceil(logLines / names.length / 10) }, (_, i): Bare<JobEvent>[] => [
        { type: 'log', step, stream: 'out', lines: Array.from({ length: 10 }, (__, j) => line(i * 10 + j)) },
        { type: 'metric', step, values: { step: i, loss: 2 / (i + 1) } },
      ]).flat(),
      gate(step, 0),
      { type: 'step.finished', step, status: 'passed', exitCode: 0, seconds: 61, reason: null, run: `run-${step}` },
    ]),
    { type: 'job.finished', status: 'succeeded', reason: null, step: null, seconds: 366 },
  ];
}

/** Lines of a journal as a worker writes them. */
export function journalLines(job: string, logLines: number, from = Date.UTC(2026, 4, 1)): string {
  const lines = told(job, logLines).map((event, i) =>
    JSON.stringify({ epoch: 1, seq: i + 1, time: new Date(from + i * 10).toISOString(), ...event }),
  );
  return `${lines.join('\n')}\n`;
}

export interface PastJobs {
  count: number;
  /** Lines of output of each. */
  logLines: number;
  restUrl?: string;
  /** Folder of their project; one that is not there unless told. */
  root?: string;
}

/** Puts jobs that have ended into a home, with their records and the copies of their journals; answers their names. */
export function makePastJobs(
  home: string,
  { count, logLines, restUrl = 'https://api.example/v2', root = '/nowhere' }: PastJobs,
): string[] {
  return Array.from({ length: count }, (_, i) => {
    const start = Date.UTC(2026, 0, 1) + i * (day / 8);
    const time = (ms: number): string => new Date(start + ms).toISOString();
    const stamp = time(0).replace(/\D/g, '');
    const job = `songs-${stamp.slice(0, 8)}-${stamp.slice(8, 14)}-${i.toString(36).padStart(4, '0')}`;
    const record: JobRecord = {
      schema: 1,
      job,
      project: 'songs',
      file: join(root, 'training.runpod.json'),
      root,
      restUrl,
      volume: { id: 'v1', name: 'songs', dataCenter: 'US-MD-1' },
      pod: { id: `pod${i}`, name: `rpt-${job}`, created: time(0), hardware: '1x NVIDIA L4', costPerHour: 0.44 },
      onFinish: 'terminate',
      fetch: ['out/**'],
      into: 'runpod-results',
      phase: 'done',
      outcome: 'succeeded',
      created: time(0),
      updated: time(400_000),
      podEnded: time(390_000),
      fetched: { time: time(395_000), files: 4, bytes: 123_456 },
    };
    const folder = join(home, 'jobs', job);
    mkdirSync(folder, { recursive: true });
    const text = `${JSON.stringify(record, null, 1)}\n`;
    writeFileSync(join(folder, 'record.json'), text);
    writeFileSync(join(folder, 'record.copy.json'), text);
    writeFileSync(join(folder, 'events.jsonl'), journalLines(job, logLines, start));
    return job;
  });
}
