// npm run test:faults -- --seeds 5000-5999 --at-a-time 4: plays what this commit has not played of these schedules.
// npm run test:faults -- --seeds 17,20,30-35: plays these.
// npm run test:faults -- --seeds 17: plays one and prints all that happened.
// npm run test:faults -- --table: prints the tables of what was played.
// Each schedule is a line of the report, test-results/faults.jsonl unless --report FILE.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildClient } from './build-client.ts';
import { Report, summary } from './report.ts';
import { describeSchedule, scheduleOf } from './schedule.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1-500' },
    'at-a-time': { type: 'string', default: '3' },
    report: { type: 'string', default: path.join(root, 'test-results', 'faults.jsonl') },
    table: { type: 'boolean', default: false },
  },
});
const seeds = values.seeds.split(',').flatMap((part) => {
  const [from = 0, to = from] = part.split('-').map(Number);
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
});
const isOne = seeds.length === 1;
const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
const isChanged = git('status', '--porcelain', '--untracked-files=no') !== '';
const report = new Report(values.report, `${git('rev-parse', '--short', 'HEAD')}${isChanged ? '+' : ''}`);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function series(): Promise<void> {
  // A schedule that is named alone is wanted again.
  const waiting = isOne ? seeds : seeds.filter((seed) => !report.has(seed));
  if (waiting.length < seeds.length) say(`${seeds.length - waiting.length} were played already (${report.file})`);
  const dist = mkdtempSync(path.join(os.tmpdir(), 'runpod-trainer-dist-'));
  process.env.RUNPOD_TRAINER_DIST = dist;
  // Ctrl-C ends the series after the schedules that are being played.
  process.once('SIGINT', () => (waiting.length = 0));
  try {
    await buildClient(dist);
    const { play } = await import('./play.ts');
    const { isolations } = await import('../integration/sandbox/harness.ts');
    const lane = async (): Promise<void> => {
      for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
        const schedule = scheduleOf(seed, isolations);
        const played = await play(schedule);
        report.add(played);
        const ok = played.violations.length === 0;
        const harmed = `${played.places.length} of ${schedule.faults.length}`;
        say(`${ok ? 'ok  ' : 'FAIL'} ${played.seconds.toFixed(1)} s  ${harmed}  ${describeSchedule(schedule)}`);
        if (!ok) process.exitCode = 1;
        for (const violation of played.violations) say(`     ${violation}`);
        if (isOne) say(played.trace.replace(/^/gm, '       '));
      }
    };
    await Promise.all(Array.from({ length: Math.min(waiting.length, Number(values['at-a-time'])) }, lane));
  } finally {
    rmSync(dist, { recursive: true, force: true });
  }
}

if (!values.table) await series();
say(`\n${summary(report.lines.filter(({ seed }) => values.table || seeds.includes(seed)))}`);
