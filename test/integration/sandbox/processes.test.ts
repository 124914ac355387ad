import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { killPod } from '../../../sandbox/pods/processes.ts';
import { until } from '../../support/wait.ts';
import { useTempFolder } from '../../support/temp.ts';
import { writeTree } from '../../support/files.ts';

describe('the processes of a sandbox pod without namespaces (R9.7)', () => {
  const folder = useTempFolder();

  it('end with it, also one that is just becoming another program, whose environment nobody can read then', async () => {
    await writeTree(folder.path, { 'again.sh': 'exec sh "$0"\n' });
    const script = path.join(folder.path, 'again.sh');
    for (let round = 0; round < 15; round += 1) {
      const id = randomBytes(7).toString('hex');
      const child = spawn('sh', [script], { detached: true, stdio: 'ignore', env: { RUNPOD_POD_ID: id } });
      const ended = new Promise((resolve) => child.once('exit', resolve));
      await until('it runs', () => running(script).length > 0);
      await killPod({ id });
      await ended;
      assert.deepEqual(running(script), [], `round ${round}`);
    }
  });
});

/** Numbers of the processes that have this among their arguments. */
function running(argument: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument);
      } catch {
        return false;
      }
    });
}
