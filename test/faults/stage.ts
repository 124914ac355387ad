import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { TestProject } from '../integration/jobs/projects.ts';

/** Lines that each step prints. */
export const linesPerStep = 12;

/** The worker's waiting, shortened; a lease must still outlast the client's renewal every 5 s. */
const timings = {
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

/** A folder for the pods' image whose `python3` runs the worker with shortened waiting. */
export function makeImage(folder: string): string {
  const bin = path.join(folder, 'image', 'bin');
  mkdirSync(bin, { recursive: true });
  const real = execFileSync('/bin/sh', ['-c', 'command -v python3'], {
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    encoding: 'utf8',
  }).trim();
  const text = `#!/bin/sh\nRUNPOD_TRAINER_TIMINGS='${JSON.stringify(timings)}' exec ${real} "$@"\n`;
  writeFileSync(path.join(bin, 'python3'), text);
  chmodSync(path.join(bin, 'python3'), 0o755);
  return bin;
}

/**
 * Prints numbered lines; each that was printed is noted with its time in a file on the volume, which is what the
 * journal is compared with.
 */
const step = (name: string, more: string): string =>
  `for n in $(seq ${linesPerStep}); do echo "${name} $n"; echo "$EPOCHREALTIME ${name} $RUNPOD_TRAINER_JOB $n" >> printed.log; sleep 0.03; done; ${more}`;

const gate = 'import os, sys, time\ntime.sleep(0.25)\nsys.exit(0 if os.path.exists(sys.argv[1]) else 1)\n';

/** Two quick steps with gates. */
export function makeProject(folder: string): TestProject {
  return new TestProject(
    folder,
    {
      name: 'faults',
      sync: { must: ['code.txt', 'gate.py', 'data/'] },
      steps: ['one', 'two'].map((name) => ({
        name,
        shell: step(name, `echo done > ${name}.txt`),
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
