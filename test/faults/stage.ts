import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { TestProject } from '../integration/jobs/projects.ts';
import type { Fault } from './schedule.ts';

/** Lines that each step prints. */
export const linesPerStep = 12;

/** The worker's waiting, shortened, in seconds; a lease must still outlast the client's renewal every 5 s. */
const shortTimings = {
  watch_poll: 0.25,
  end_after: 4,
  lease: 8,
  follow_grace: 4,
  heartbeat: 2,
  stale: 8,
  api_retry: 0.3,
  api_retry_max: 1,
  api_timeout: 5,
  guard_minute: 0.5,
};
/** With ending, closing and stall as users have them only what nobody could wait for is shortened. */
const defaultTimings = { guard_minute: 0.5 };

/** Minutes for which a client may wait for its pod, and after which one without a worker and a client ends itself. */
const readyMinutes = 12;
const guardMinutes = 30;
const beforeWorkMs = (readyMinutes + guardMinutes) * shortTimings.guard_minute * 1000;
/** A job takes no longer than this, also where several share the machine. */
const jobMs = 25_000;
/** From the death of what ends the pod until the pod is gone, with the laptop off. */
const afterDeathMs = 90_000;
/** The cap of the job. */
const capMs = 108_000;
/** From the cap until the call that ends the pod. */
const capGraceMs = 40_000;
/** What a busy machine may need besides. */
const roomMs = 15_000;

/** Ms from the end of a job until its pod is gone, with no client left. */
export function endingMs(isDefault: boolean): number {
  return (isDefault ? 15 + 60 + 30 : shortTimings.lease + shortTimings.end_after) * 1000 + roomMs;
}

/** Ms after which the pod of a client that went for ever in this moment must be gone. */
export function laptopOffMs({ phase, along }: Fault, isDefault: boolean): number {
  if (along !== undefined) return afterDeathMs + roomMs;
  const guardMs = beforeWorkMs + roomMs;
  const beforeTheJob = phase === 'provision' || phase === 'wait' || phase === 'transfer';
  if (beforeTheJob) return guardMs;
  return Math.min(Math.max(guardMs, jobMs + endingMs(isDefault)), capMs + capGraceMs + roomMs);
}

/** A folder for the pods' image whose `python3` runs the worker with shortened waiting. */
export function makeImage(folder: string, how: { defaultTimings?: boolean; smiHangs?: boolean } = {}): string {
  const bin = path.join(folder, 'image', 'bin');
  mkdirSync(bin, { recursive: true });
  const real = execFileSync('/bin/sh', ['-c', 'command -v python3'], {
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    encoding: 'utf8',
  }).trim();
  const timings = how.defaultTimings === true ? defaultTimings : shortTimings;
  const withTimings = `RUNPOD_TRAINER_TIMINGS='${JSON.stringify(timings)}' exec ${real}`;
  // The program with which a container starts is told its patience: -c TEXT MOUNT SECONDS API. It must outlast a login.
  const patience = `$(($4 * ${shortTimings.guard_minute * 1000} / 60000))`;
  const asStart = `[ "$1" = -c ] && [ "$#" = 5 ] && [ "$4" -gt 0 ] 2>/dev/null`;
  const start = `p=${patience}; [ "$p" -ge 12 ] || p=12; ${withTimings} -c "$2" "$3" "$p" "$5"`;
  program(bin, 'python3', `if ${asStart}; then ${start}; fi\n${withTimings} "$@"`);
  // A driver that hangs cannot be killed, and who waits for the end of its output waits as well.
  if (how.smiHangs === true) program(bin, 'nvidia-smi', `trap '' HUP INT TERM\nsetsid sleep 600 &\nwait\nsleep 600`);
  return bin;
}

function program(bin: string, name: string, text: string): void {
  writeFileSync(path.join(bin, name), `#!/bin/sh\n${text}\n`);
  chmodSync(path.join(bin, name), 0o755);
}

/**
 * Prints numbered lines; each that was printed is noted with its time in a file on the volume, which is what the
 * journal is compared with. What it makes names the job that made it.
 */
const step = (name: string): string =>
  `for n in $(seq ${linesPerStep}); do echo "${name} $n"; echo "$EPOCHREALTIME ${name} $RUNPOD_TRAINER_JOB $n" >> printed.log; sleep 0.03; done; echo "$RUNPOD_TRAINER_JOB" > ${name}.txt`;

const gate = 'import os, sys, time\ntime.sleep(0.25)\nsys.exit(0 if os.path.exists(sys.argv[1]) else 1)\n';

/** Two quick steps with gates. */
export function makeProject(folder: string): TestProject {
  return new TestProject(
    folder,
    {
      name: 'faults',
      caps: { hours: capMs / 3_600_000 },
      sync: { must: ['code.txt', 'gate.py', 'data/'] },
      steps: ['one', 'two'].map((name) => ({
        name,
        shell: step(name),
        inputs: ['code.txt'],
        outputs: [`${name}.txt`],
        gates: [
          { type: 'file', path: `${name}.txt` },
          { type: 'script', script: 'gate.py', args: [`${name}.txt`] },
        ],
      })),
      onFinish: { fetch: ['*.txt'] },
    },
    { 'gate.py': gate, 'data/numbers.txt': '0123456789\n'.repeat(30_000), 'data/empty.txt': '' },
  );
}
