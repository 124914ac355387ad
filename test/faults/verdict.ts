import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { JournalReader } from '../../src/core/journal/reader.ts';
import type { JobEvent } from '../../src/core/journal/events.ts';
import type { JobRecord } from '../../src/core/journal/records.ts';
import { eventsOf, processesOf, type Ended, type Result, type Told, type World } from '../integration/jobs/harness.ts';
import { wholeJournal } from '../support/whole-journal.ts';
import type { Hit } from './inject.ts';
import { linesPerStep } from './stage.ts';

/** What a client said. */
export interface Claim {
  home: string;
  args: string[];
  ended: Ended;
  result: Result | undefined;
  told: Told[];
}

/** Deaths after which printed lines may be missing, and of how many ms before them at most. */
const bounds: Partial<Record<string, number>> = {
  'worker-kill': 700,
  'both-kill': 700,
  'kill-all': 1200,
  'host-loss': 1200,
  'container-crash': 1200,
  stop: 1200,
  delete: 1200,
};

/** What died with the pod or in it: a laptop that goes may leave a worker that dies as well. */
const deathOf = ({ fault }: Hit): string => fault.along ?? fault.kind;

interface Listed {
  jobs: { job: string; state: string; cost: number }[];
  unowned: unknown[];
}

interface Charge {
  kind: string;
  resource: string;
  start: number;
  end: number;
  rate: number;
}

/** Everything that must hold after a play, whatever happened in it. */
export class Verdict {
  readonly violations: string[] = [];
  readonly claims: Claim[] = [];
  readonly hits: Hit[] = [];
  readonly lostMs: Record<string, number> = {};
  journalLines = 0;
  readonly #world: World;
  readonly #homes: readonly string[];

  /** `homes` of all laptops. */
  constructor(world: World, homes: readonly string[]) {
    this.#world = world;
    this.#homes = homes;
  }

  fail(text: string): void {
    this.violations.push(text);
  }

  /** `lists` is what the lists of jobs said at the end, one of each laptop. */
  async check(lists: readonly Ended[]): Promise<void> {
    const listed = lists.map(({ stdout }) => JSON.parse(stdout) as Listed);
    const unowned = listed.flatMap((one) => one.unowned);
    if (unowned.length > 0) this.fail(`pods without a job: ${JSON.stringify(unowned)}`);
    const volume = await this.#world.volume('tests');
    const folder = path.join(volume, '.runpod-trainer', 'jobs');
    for (const home of this.#homes) {
      for (const record of recordsIn(home)) {
        const bytes = wholeJournal(path.join(folder, record.job));
        const events = this.#journal(record.job, bytes);
        this.#copy(home, record, bytes);
        this.#record(home, record, events);
        for (const claim of this.claims) this.#claim(claim, home, record, events);
      }
    }
    const jobs = existsSync(folder) ? readdirSync(folder) : [];
    for (const job of jobs) {
      const left = processesOf(`/${job}`);
      if (left.length > 0) this.fail(`processes of ${job} are left: ${JSON.stringify(left)}`);
    }
    this.#oneAtATime(jobs.map((job) => path.join(folder, job)));
    for (const claim of this.claims) this.#results(claim);
    this.#printed(path.join(volume, 'projects', 'faults', 'printed.log'), folder);
    this.#money(listed.flatMap((one) => one.jobs).reduce((sum, job) => sum + job.cost, 0));
  }

  /** Two jobs of one project never run at the same time on one volume. */
  #oneAtATime(jobs: readonly string[]): void {
    const spans = jobs
      .map((job) => {
        const read = new JournalReader().push(wholeJournal(job)).filter((e) => e.type !== 'bad-line');
        const at = (e: JobEvent | undefined): number => Date.parse(e?.time ?? '');
        return { job: path.basename(job), from: at(read.find((e) => e.type === 'step.started')), to: at(read.at(-1)) };
      })
      .filter(({ from }) => !Number.isNaN(from))
      .sort((a, b) => a.from - b.from);
    for (const [i, { job, from }] of spans.entries()) {
      const before = spans[i - 1];
      if (before !== undefined && from < before.to) this.fail(`${before.job} and ${job} ran at the same time`);
    }
  }

  /** What came home was made by the job that it is shown for, unless the step was skipped. */
  #results({ ended, result }: Claim): void {
    if (ended.code !== 0 || result?.results === undefined) return;
    for (const { name } of result.steps.filter((step) => step.status === 'passed')) {
      const file = path.join(result.results, `${name}.txt`);
      const maker = existsSync(file) ? readFileSync(file, 'utf8').trim() : 'nobody';
      if (maker !== result.job) this.fail(`the results of ${result.job} have ${name}.txt of ${maker}`);
    }
  }

  /** Every line follows the one before it: no gap, nothing twice. */
  #journal(job: string, bytes: Buffer): JobEvent[] {
    const torn = bytes.length > 0 && bytes.at(-1) !== 10;
    if (torn && !this.#died('host-loss', 'delete', 'stop', 'container-crash', 'both-kill', 'kill-all'))
      this.fail(`the journal of ${job} is torn`);
    const read = new JournalReader().push(bytes);
    const bad = read.filter((e) => e.type === 'bad-line');
    if (bad.length > 0) this.fail(`the journal of ${job}: ${JSON.stringify(bad)}`);
    const events = read.filter((e) => e.type !== 'bad-line');
    this.journalLines += events.length;
    for (const end of events.filter((e) => e.type === 'step.finished' && e.status === 'passed')) {
      const step = 'step' in end ? end.step : '';
      const lines = events.flatMap((e) =>
        e.type === 'log' && e.step === step && e.epoch === end.epoch ? e.lines : [],
      );
      const wanted = Array.from({ length: linesPerStep }, (_, i) => `${step ?? ''} ${i + 1}`);
      if (JSON.stringify(lines) !== JSON.stringify(wanted)) {
        this.fail(`the lines of ${job}, step ${step ?? ''}, are ${JSON.stringify(lines)}`);
      }
    }
    return events;
  }

  #died(...deaths: string[]): boolean {
    return this.hits.some((h) => h.done !== undefined && deaths.includes(deathOf(h)));
  }

  /** This machine's copy is the beginning of the journal, byte by byte. */
  #copy(home: string, record: JobRecord, bytes: Buffer): void {
    const file = path.join(home, 'jobs', record.job, 'events.jsonl');
    const copy = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
    if (!copy.equals(bytes.subarray(0, copy.length))) this.fail(`the copy of ${record.job}'s journal differs from it`);
  }

  /** What is remembered of a job is what its journal says. */
  #record(home: string, record: JobRecord, events: JobEvent[]): void {
    const end = events.at(-1);
    const status = end?.type === 'job.finished' ? end.status : undefined;
    const { job, outcome, phase } = record;
    const isUnheard = outcome === 'lost' && !hasReadTheEnd(home, job);
    if (outcome !== undefined && status !== undefined && outcome !== status && !isUnheard) {
      this.fail(`the record of ${job} says ${outcome}, its journal ${status}`);
    }
    if (status === undefined && (outcome === 'succeeded' || outcome === 'failed')) {
      this.fail(`the record of ${job} says ${outcome}, its journal does not`);
    }
    if (outcome === undefined && phase === 'done' && events.length > 0) {
      this.fail(`${job} is called not started, but its journal has ${events.length} lines: ${record.reason ?? ''}`);
    }
  }

  /** What a client showed was the beginning of the journal, each event once; how it said that the job ended is true. */
  #claim(claim: Claim, home: string, record: JobRecord, events: JobEvent[]): void {
    const job = claim.result?.job ?? claim.args[1];
    const key = (e: { epoch: number; seq: number; type: string }): string => `${e.epoch}/${e.seq} ${e.type}`;
    const told = eventsOf(claim.told);
    const began = told.find((e) => e.type === 'job.started');
    if (began?.job === record.job) {
      const seen = told.map(key);
      const written = events.slice(0, seen.length).map(key);
      if (JSON.stringify(seen) !== JSON.stringify(written)) {
        this.fail(`${claim.args.join(' ')} showed other events of ${record.job} than its journal has`);
      }
    }
    if (job !== record.job || claim.result === undefined) return;
    const end = events.at(-1);
    const status = end?.type === 'job.finished' ? end.status : undefined;
    const { outcome } = claim.result;
    if (outcome === 'succeeded' && status !== 'succeeded')
      this.fail(`${record.job} was called succeeded, its journal says ${status ?? 'nothing'}`);
    if (['failed', 'cancelled'].includes(outcome) && status !== outcome)
      this.fail(`${record.job} was called ${outcome}, its journal says ${status ?? 'nothing'}`);
    // Only a client that has not read the end may say that it does not know, or that the job was lost with its pod.
    const isRead = hasReadTheEnd(home, record.job);
    if (outcome === 'lost' && isRead && status !== 'lost')
      this.fail(`${record.job} was called lost, its journal says ${status ?? 'nothing'}`);
    if (outcome === 'unknown' && isRead) {
      this.fail(`${record.job} was called unknown, but its end has been read: ${claim.result.reason ?? ''}`);
    }
  }

  /** Lines that a step noted to have printed are in the journal, but for those of the last moment before a death. */
  #printed(file: string, jobs: string): void {
    if (!existsSync(file)) return;
    const journals = new Map<string, Set<string>>();
    const linesOf = (job: string): Set<string> => {
      let lines = journals.get(job);
      if (lines === undefined) {
        const read = new JournalReader().push(wholeJournal(path.join(jobs, job)));
        lines = new Set(read.flatMap((e) => (e.type === 'log' ? e.lines : [])));
        journals.set(job, lines);
      }
      return lines;
    };
    const deaths = this.hits.filter((h) => h.done !== undefined && bounds[deathOf(h)] !== undefined);
    for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
      const [time = '0', step = '', job = '', n = ''] = line.split(' ');
      if (linesOf(job).has(`${step} ${n}`)) continue;
      const printed = Number(time.replace(',', '.')) * 1000;
      const death = deaths.find((d) => d.time - printed < (bounds[deathOf(d)] ?? 0) && d.time - printed > -2000);
      if (death === undefined) {
        this.fail(`the line "${step} ${n}" of ${job}, printed at ${printed.toFixed(0)}, is not in the journal`);
      } else {
        const kind = deathOf(death);
        this.lostMs[kind] = Math.max(this.lostMs[kind] ?? 0, Math.round(death.time - printed));
      }
    }
  }

  /** The costs shown cover what the platform charged for pods; it rounds each charge up to a second. */
  #money(shown: number): void {
    const ledger = JSON.parse(readFileSync(path.join(this.#world.sandbox.root, 'ledger.json'), 'utf8')) as {
      charges: Charge[];
      open: { kind: string }[];
    };
    const pods = ledger.charges.filter((c) => c.kind === 'cpu' || c.kind === 'gpu');
    const charged = pods.reduce((sum, c) => sum + (c.rate * (c.end - c.start)) / 3_600_000, 0);
    const rounding = pods.reduce((sum, c) => sum + c.rate / 3600, 0);
    if (ledger.open.some((m) => m.kind === 'cpu' || m.kind === 'gpu')) this.fail('a pod is still being charged for');
    if (shown < charged - rounding) this.fail(`shown are $${shown.toFixed(6)}, charged $${charged.toFixed(6)}`);
  }
}

/** Whether the copy of a job's journal in this home has its end. */
function hasReadTheEnd(home: string, job: string): boolean {
  const copy = path.join(home, 'jobs', job, 'events.jsonl');
  const read = new JournalReader().push(existsSync(copy) ? readFileSync(copy) : Buffer.alloc(0));
  return read.at(-1)?.type === 'job.finished';
}

/** The records of a home's jobs. */
export function recordsIn(home: string): JobRecord[] {
  const folder = path.join(home, 'jobs');
  return (existsSync(folder) ? readdirSync(folder) : [])
    .map((job) => path.join(folder, job, 'record.json'))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as JobRecord);
}
