import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { hostname } from 'node:os';
import { isRunning, thisProcess } from '../../src/core/processes.ts';
import { importing } from '../support/in-parallel.ts';

/** What the program of another process answers; `command` is put before node. */
function elsewhere(command: string[], text: string): string {
  const source = importing('isRunning, thisProcess', 'core/processes.ts') + text;
  const argv = [...command, process.execPath, '--input-type=module-typescript', '-e', source];
  return execFileSync('env', argv, { encoding: 'utf8', stdio: 'pipe' }).trim();
}

describe('whether a process is alive', () => {
  it('is known of those of this boot', async () => {
    assert.equal(isRunning(thisProcess()), 'yes');
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(isRunning({ ...thisProcess(), pid: child.pid ?? 0 }), 'no');
    assert.equal(elsewhere([], `console.log(isRunning(${JSON.stringify(thisProcess())}))`), 'yes');
  });

  it('is known by its start when its number was given to another one', () => {
    // Only Linux tells when a process began.
    const expected = thisProcess().started === undefined ? 'yes' : 'no';
    assert.equal(isRunning({ ...thisProcess(), started: '1' }), expected);
  });

  it('is unknown of another boot, another container, or a machine that had no boot noted', () => {
    const here = thisProcess();
    assert.equal(isRunning({ ...here, boot: 'another' }), 'unknown');
    assert.equal(isRunning({ ...here, space: 'pid:[1]' }), 'unknown');
    assert.equal(isRunning({ pid: here.pid, host: 'elsewhere' }), 'unknown');
    assert.equal(isRunning({ pid: here.pid }), 'unknown');
    assert.equal(isRunning({ pid: here.pid, host: hostname() }), 'yes');
  });

  it('is unknown across containers of one kernel, also where the numbers are alike', () => {
    const container = ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--mount-proc'];
    let mark: string;
    try {
      mark = elsewhere(container, 'console.log(JSON.stringify(thisProcess()))');
    } catch {
      return; // this system lets nobody make one
    }
    const inside = JSON.parse(mark) as ReturnType<typeof thisProcess>;
    assert.equal(inside.pid, 1);
    assert.equal(inside.boot, thisProcess().boot);
    assert.equal(isRunning(inside), 'unknown');
    const seen = elsewhere(container, `console.log(isRunning(${JSON.stringify(thisProcess())}))`);
    assert.equal(seen, 'unknown');
    assert.equal(elsewhere(container, 'console.log(isRunning(thisProcess()))'), 'yes');
  });
});
