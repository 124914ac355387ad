// `npm run bench:past-jobs [-- N]`: how long the list of N past jobs (1,000 unless told) takes in a window that has just
// started, beside reading all their journals, which a list without kept views would do.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JobRecords } from '../src/core/journal/records.ts';
import { recordedHistory } from '../src/features/jobs/history.ts';
import { makePastJobs } from '../test/support/past-jobs.ts';

const most = 300;
const count = Number(process.argv[2] ?? 1_000);
const home = await mkdtemp(join(tmpdir(), 'past-jobs-'));
const timed = async (work) => {
  const [clock, own] = [performance.now(), process.threadCpuUsage()];
  await work();
  const { user, system } = process.threadCpuUsage(own);
  return { clock: performance.now() - clock, own: (user + system) / 1000 };
};
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
try {
  const jobs = makePastJobs(home, { count, logLines: 2_000 });
  const list = () => recordedHistory(new JobRecords(home)).list(new AbortController().signal);
  const first = await timed(list);
  const rounds = [];
  for (let round = 0; round < 7; round++) {
    rounds.push(await timed(list));
  }
  const baseline = await timed(async () => {
    for (const job of jobs) {
      await readFile(join(home, 'jobs', job, 'events.jsonl'));
    }
  });
  const own = median(rounds.map((r) => r.own));
  const verdict = own < most ? 'within' : 'OVER';
  console.log(`List of ${count} past jobs: ${own.toFixed(0)} ms of own time, ${verdict} the budget of ${most} ms`);
  console.log(`By the clock: ${median(rounds.map((r) => r.clock)).toFixed(0)} ms (median of ${rounds.length})`);
  console.log(`The first time, with all journals: ${first.clock.toFixed(0)} ms`);
  console.log(`Baseline, reading the journals without a look at them: ${baseline.clock.toFixed(0)} ms`);
  process.exitCode = own < most ? 0 : 1;
} finally {
  await rm(home, { recursive: true, force: true });
}
