import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { jobEventSchema } from '../journal/events.ts';
import type { JobRecord, JobRecords } from '../journal/records.ts';
import { parseJson } from '../json.ts';

/** A step that took longer is a journal that is damaged. */
const longestSeconds = 45 * 86_400;

/** So many of the newest jobs of a project are looked at. */
const jobsRead = 10;

/** How a step went in earlier jobs. */
export interface StepHistory {
  /** Seconds of the runs that passed, the newest first, each with the hardware it ran on. */
  runs: { seconds: number; hardware: string }[];
}

/** Durations of a project's steps on pods, from this computer's copies of the journals. */
export async function stepHistory(
  records: JobRecords,
  project: string,
  restUrl: string,
): Promise<Map<string, StepHistory>> {
  const jobs = (await records.list())
    .filter((r) => r.project === project && r.restUrl === restUrl && r.remote !== undefined)
    .slice(0, jobsRead);
  const steps = new Map<string, StepHistory>();
  for (const record of jobs) {
    const ends = await stepEnds(records.journalFile(record.job)).catch(() => new Map<string, StepEnd>());
    for (const [name, end] of ends) {
      add(steps, name, end, record);
    }
  }
  return steps;
}

interface StepEnd {
  passed: boolean;
  seconds: number;
}

function add(steps: Map<string, StepHistory>, name: string, end: StepEnd, record: JobRecord): void {
  const known = steps.get(name) ?? { runs: [] };
  if (end.passed && end.seconds <= longestSeconds) {
    known.runs.push({ seconds: end.seconds, hardware: record.pod?.hardware ?? '' });
  }
  steps.set(name, known);
}

/** The last end of every step in a journal. Nearly all lines are output, so only the few that matter are parsed. */
async function stepEnds(file: string): Promise<Map<string, StepEnd>> {
  const ends = new Map<string, StepEnd>();
  const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity });
  for await (const line of lines) {
    if (!line.includes('"step.finished"')) {
      continue;
    }
    const parsed = jobEventSchema.safeParse(parseJson(line));
    if (!parsed.success) {
      continue;
    }
    const event = parsed.data;
    if (event.type === 'step.finished') {
      ends.set(event.step, { passed: event.status === 'passed', seconds: event.seconds });
    }
  }
  return ends;
}
