// npm run test:faults -- --seeds 500 --seed-from 1 --parallel 3: plays random schedules of faults.
// npm run test:faults -- --seed 17: plays one again and prints all that happened.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildClient } from './build-client.ts';
import type { Played } from './play.ts';
import { describeSchedule, scheduleOf } from './schedule.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '500' },
    'seed-from': { type: 'string', default: '1' },
    seed: { type: 'string' },
    parallel: { type: 'string', default: '3' },
  },
});
const one = values.seed !== undefined;
const from = Number(values.seed ?? values['seed-from']);
const count = one ? 1 : Number(values.seeds);

const dist = mkdtempSync(path.join(os.tmpdir(), 'runpod-trainer-dist-'));
process.env.RUNPOD_TRAINER_DIST = dist;
const began = performance.now();
const all: Played[] = [];
const say = (text: string): void => void process.stdout.write(`${text}\n`);
try {
  await buildClient(dist);
  const { play } = await import('./play.ts');
  const { isolations } = await import('../integration/sandbox/harness.ts');
  let next = from;
  // Ctrl-C ends the series after the schedules that are being played, with what was measured so far.
  process.once('SIGINT', () => (next = Infinity));
  const lane = async (): Promise<void> => {
    while (next < from + count) {
      const schedule = scheduleOf(next++, isolations);
      const played = await play(schedule);
      all.push(played);
      const ok = played.violations.length === 0;
      say(
        `${ok ? 'ok  ' : 'FAIL'} ${played.seconds.toFixed(1)} s  ${played.hits} of ${schedule.faults.length}  ${describeSchedule(schedule)}`,
      );
      if (!ok)
        say(
          `${played.violations.map((v) => `     ${v}`).join('\n')}\n     replay: npm run test:faults -- --seed ${schedule.seed}`,
        );
      if (one || !ok) say(played.trace.replace(/^/gm, '       '));
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, Number(values.parallel)) }, lane));
} finally {
  rmSync(dist, { recursive: true, force: true });
}
const failed = all.filter((p) => p.violations.length > 0).map((p) => p.schedule.seed);
const lost: Record<string, number> = {};
for (const { lostMs } of all)
  for (const [kind, ms] of Object.entries(lostMs)) lost[kind] = Math.max(lost[kind] ?? 0, ms);
const places: Record<string, number> = {};
for (const place of all.flatMap((p) => p.places)) places[place] = (places[place] ?? 0) + 1;
say(
  JSON.stringify({
    schedules: all.length,
    failed,
    faults: all.reduce((sum, p) => sum + p.hits, 0),
    pods: all.reduce((sum, p) => sum + p.podsAsked, 0),
    journalLines: all.reduce((sum, p) => sum + p.journalLines, 0),
    longestLossMs: lost,
    minutes: Number(((performance.now() - began) / 60_000).toFixed(1)),
    places,
  }),
);
process.exitCode = failed.length === 0 ? 0 : 1;
